#include "storage/postgres_machines.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_principals.h"
#include "storage/postgres_revoke.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

void hold_machine(pqxx::work& transaction, TenantId tenant, const Uuid& id) {
  const auto held = hold_principal(transaction, tenant, id);
  if (require_active(held).kind != PrincipalKind::kMachine) {
    throw Error(ErrorCode::kConflict, "the principal is no machine");
  }
}

// Says nothing of where the other one is.
void require_added(const pqxx::result& added) {
  if (added.affected_rows() == 0) {
    throw Error(ErrorCode::kConflict, "this certificate or token was added before");
  }
}

AddressRange range_of(const pqxx::field& field) {
  auto range = AddressRange::parse(field.as<std::string>());
  if (!range) throw Error(ErrorCode::kInternal, "the database holds a range that is none");
  return *std::move(range);
}

}  // namespace

void PostgresMachines::add_certificate(TenantId tenant, const Uuid& principal,
                                       const Digest& spki_sha256, const AuditEvent& event) {
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    hold_machine(transaction, tenant, principal);
    require_added(transaction.exec_params(R"SQL(
        INSERT INTO machine_certificate (tenant_id, spki_sha256, principal_id)
        VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING)SQL",
                                          tenant.uuid.text(), binary(spki_sha256),
                                          principal.text()));
    record(transaction, tenant, event);
  });
}

bool PostgresMachines::revoke_certificate(TenantId tenant, const Digest& spki_sha256,
                                          const AuditEvent& event) {
  return revoke_row(pool_, "machine_certificate", "spki_sha256", tenant, binary(spki_sha256),
                    event);
}

std::vector<Certificate> PostgresMachines::certificates(TenantId tenant) {
  std::vector<Certificate> certificates;
  for (const pqxx::row& row : pool_.ask(R"SQL(
      SELECT spki_sha256, principal_id, extract(epoch FROM c.added)::bigint AS added,
             extract(epoch FROM c.revoked)::bigint AS revoked
        FROM machine_certificate AS c
       WHERE tenant_id = $1
       ORDER BY date_trunc('second', c.added), spki_sha256)SQL",
                                        tenant.uuid.text())) {
    certificates.push_back({array_of<32>(row["spki_sha256"]), uuid_of(row["principal_id"]),
                            time_of(row["added"]), optional_time_of(row["revoked"])});
  }
  return certificates;
}

std::optional<Machine> PostgresMachines::find_certificate(const Digest& spki_sha256) {
  const pqxx::result found = pool_.ask(R"SQL(
      SELECT c.tenant_id, c.principal_id, p.handle
        FROM machine_certificate AS c
        JOIN principal AS p ON p.tenant_id = c.tenant_id AND p.id = c.principal_id
       WHERE c.spki_sha256 = $1 AND c.revoked IS NULL AND p.revoked IS NULL)SQL",
                                       binary(spki_sha256));
  if (found.empty()) return std::nullopt;
  return Machine{{uuid_of(found[0]["tenant_id"])},
                 uuid_of(found[0]["principal_id"]),
                 found[0]["handle"].as<std::string>(),
                 {}};
}

void PostgresMachines::add_token(TenantId tenant, const NewMachineToken& token,
                                 const AuditEvent& event) {
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    hold_machine(transaction, tenant, token.principal);
    require_added(transaction.exec_params(R"SQL(
        INSERT INTO machine_token (tenant_id, token_sha256, principal_id, mailbox, address_range)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING)SQL",
                                          tenant.uuid.text(), binary(token.sha256),
                                          token.principal.text(), binary(token.mailbox),
                                          token.range.text()));
    record(transaction, tenant, event);
  });
}

bool PostgresMachines::revoke_token(TenantId tenant, const Digest& sha256,
                                    const AuditEvent& event) {
  return revoke_row(pool_, "machine_token", "token_sha256", tenant, binary(sha256), event);
}

std::vector<MachineToken> PostgresMachines::tokens(TenantId tenant) {
  std::vector<MachineToken> tokens;
  for (const pqxx::row& row : pool_.ask(R"SQL(
      SELECT token_sha256, principal_id, mailbox, address_range,
             extract(epoch FROM t.added)::bigint AS added,
             extract(epoch FROM t.revoked)::bigint AS revoked
        FROM machine_token AS t
       WHERE tenant_id = $1
       ORDER BY date_trunc('second', t.added), token_sha256)SQL",
                                        tenant.uuid.text())) {
    tokens.push_back({{array_of<32>(row["token_sha256"]), uuid_of(row["principal_id"]),
                       row["mailbox"].as<std::string>(), range_of(row["address_range"])},
                      time_of(row["added"]),
                      optional_time_of(row["revoked"])});
  }
  return tokens;
}

std::optional<Machine> PostgresMachines::find_token(const Digest& sha256, const std::string& peer) {
  const pqxx::result found = pool_.ask(R"SQL(
      SELECT t.tenant_id, t.principal_id, p.handle, t.mailbox, t.address_range
        FROM machine_token AS t
        JOIN principal AS p ON p.tenant_id = t.tenant_id AND p.id = t.principal_id
       WHERE t.token_sha256 = $1 AND t.revoked IS NULL AND p.revoked IS NULL)SQL",
                                       binary(sha256));
  if (found.empty() || !range_of(found[0]["address_range"]).contains(peer)) return std::nullopt;
  return Machine{{uuid_of(found[0]["tenant_id"])},
                 uuid_of(found[0]["principal_id"]),
                 found[0]["handle"].as<std::string>(),
                 found[0]["mailbox"].as<std::string>()};
}

}  // namespace letterbox::storage
