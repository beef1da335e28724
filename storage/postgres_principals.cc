#include "storage/postgres_principals.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_revoke.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

const std::string kSelect = R"SQL(
    SELECT id, handle, kind, extract(epoch FROM created)::bigint AS created,
           extract(epoch FROM revoked)::bigint AS revoked
      FROM principal
     WHERE tenant_id = $1)SQL";

Principal principal_of(const pqxx::row& row) {
  return {uuid_of(row["id"]), row["handle"].as<std::string>(), kind_of(row["kind"]),
          time_of(row["created"]), optional_time_of(row["revoked"])};
}

std::optional<Principal> first_of(const pqxx::result& rows) {
  if (rows.empty()) return std::nullopt;
  return principal_of(rows[0]);
}

}  // namespace

PrincipalKind kind_of(const pqxx::field& field) {
  const auto text = field.as<std::string>();
  for (const PrincipalKind kind :
       {PrincipalKind::kPerson, PrincipalKind::kMachine, PrincipalKind::kAdministrator}) {
    if (text == to_text(kind)) return kind;
  }
  throw Error(ErrorCode::kInternal, "the database holds a principal of an unknown kind");
}

std::optional<Principal> insert_principal(pqxx::work& transaction, TenantId tenant,
                                          const std::string& handle, PrincipalKind kind) {
  return first_of(transaction.exec_params(R"SQL(
      INSERT INTO principal (tenant_id, id, handle, kind)
      VALUES ($1, $2, $3, $4)
      ON CONFLICT DO NOTHING
      RETURNING id, handle, kind, extract(epoch FROM created)::bigint AS created,
                extract(epoch FROM revoked)::bigint AS revoked)SQL",
                                          tenant.uuid.text(), Uuid::v7().text(), binary(handle),
                                          to_text(kind)));
}

std::optional<Principal> hold_principal(pqxx::work& transaction, TenantId tenant, const Uuid& id) {
  return first_of(
      transaction.exec_params(kSelect + " AND id = $2 FOR SHARE", tenant.uuid.text(), id.text()));
}

std::optional<Principal> hold_principal(pqxx::work& transaction, TenantId tenant,
                                        const std::string& handle) {
  return first_of(transaction.exec_params(kSelect + " AND handle = $2 FOR SHARE",
                                          tenant.uuid.text(), binary(handle)));
}

const Principal& require_active(const std::optional<Principal>& held) {
  if (!held) throw Error(ErrorCode::kNotFound, "there is no such principal");
  if (held->revoked) throw Error(ErrorCode::kConflict, "the principal is revoked");
  return *held;
}

Principal PostgresPrincipals::make(TenantId tenant, const std::string& handle, PrincipalKind kind,
                                   const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    auto made = insert_principal(transaction, tenant, handle, kind);
    if (!made) throw Error(ErrorCode::kConflict, "a principal has this handle already");
    record(transaction, tenant, event);
    return *std::move(made);
  });
}

std::optional<Principal> PostgresPrincipals::find(TenantId tenant, const Uuid& id) {
  return first_of(pool_.ask(kSelect + " AND id = $2", tenant.uuid.text(), id.text()));
}

std::optional<Principal> PostgresPrincipals::find_handle(TenantId tenant,
                                                         const std::string& handle) {
  return first_of(pool_.ask(kSelect + " AND handle = $2", tenant.uuid.text(), binary(handle)));
}

std::vector<Principal> PostgresPrincipals::list(TenantId tenant) {
  std::vector<Principal> principals;
  for (const pqxx::row& row : pool_.ask(kSelect + " ORDER BY handle", tenant.uuid.text())) {
    principals.push_back(principal_of(row));
  }
  return principals;
}

bool PostgresPrincipals::revoke(TenantId tenant, const Uuid& id, const AuditEvent& event) {
  return revoke_row(pool_, "principal", "id", tenant, binary(id.bytes()), event);
}

}  // namespace letterbox::storage
