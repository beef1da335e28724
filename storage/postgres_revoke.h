// Revoking, which is the same for whatever can be revoked: once, and for good.
#pragma once

#include <pqxx/pqxx>
#include <string>

#include "storage/pool.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

/// Revokes the row of `table` whose column `key` is `value`. True if this did it, false if it was
/// done before. Throws Error kNotFound. `table` and `key` are ours, no input.
inline bool revoke_row(pqxx::work& transaction, const std::string& table, const std::string& key,
                       TenantId tenant, const pqxx::binarystring& value) {
  const std::string row = " WHERE tenant_id = $1 AND " + key + " = $2";
  const std::string id = tenant.uuid.text();
  if (transaction
          .exec_params("UPDATE " + table + " SET revoked = now()" + row + " AND revoked IS NULL",
                       id, value)
          .affected_rows() > 0) {
    return true;
  }
  if (transaction.exec_params("SELECT FROM " + table + row, id, value).empty()) {
    throw Error(ErrorCode::kNotFound, "there is nothing of this name to revoke");
  }
  return false;
}

/// The same as a transaction of its own, with the record of it.
inline bool revoke_row(Pool& pool, const std::string& table, const std::string& key,
                       TenantId tenant, const pqxx::binarystring& value, const AuditEvent& event) {
  return pool.transact([&](pqxx::work& transaction, Connection&) {
    const bool revoked = revoke_row(transaction, table, key, tenant, value);
    if (revoked) record(transaction, tenant, event);
    return revoked;
  });
}

}  // namespace letterbox::storage
