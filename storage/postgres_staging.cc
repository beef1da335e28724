#include "storage/postgres_staging.h"

#include "storage/postgres_values.h"

namespace letterbox::storage {

void add_row(Connection& connection, TenantId tenant, const Uuid& payload, std::int32_t number,
             const Ciphertext& row) {
  connection.execute(
      "INSERT INTO payload_row (tenant_id, payload_id, row_no, content) VALUES ($1, $2, $3, $4)",
      {tenant.uuid, payload, number, row.view()});
}

bool adopt(pqxx::work& transaction, TenantId tenant, const Uuid& payload, const Uuid& owner) {
  return transaction
             .exec_params(
                 "UPDATE payload SET staged_by = NULL, reserved = 0"
                 " WHERE tenant_id = $1 AND id = $2 AND staged_by = $3",
                 tenant.uuid.text(), payload.text(), owner.text())
             .affected_rows() == 1;
}

void drop_staged(Pool& pool, TenantId tenant, const Uuid& instance,
                 const std::vector<Uuid>& payloads) {
  if (payloads.empty()) return;
  const auto drop = [&](pqxx::work& transaction, Connection&) {
    transaction.exec("SET LOCAL synchronous_commit = off");
    // A big file has millions of pieces out of line.
    transaction.exec("SET LOCAL statement_timeout = 0");
    transaction.exec_params(
        "DELETE FROM payload WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND staged_by = $3",
        tenant.uuid.text(), array_literal(payloads), instance.text());
  };
  pool.transact(drop, Pool::Effort::kOnce);
}

}  // namespace letterbox::storage
