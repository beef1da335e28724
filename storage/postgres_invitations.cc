#include "storage/postgres_invitations.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_devices.h"
#include "storage/postgres_principals.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

Invitation invitation_of(const pqxx::row& row) {
  return {{array_of<32>(row["token_sha256"]), row["handle"].as<std::string>(), kind_of(row["kind"]),
           time_of(row["expires"]), optional_uuid_of(row["made_by"])},
          time_of(row["made"]),
          optional_time_of(row["redeemed"]),
          optional_text_of(row["redeemed_by"])};
}

// The one statement that decides: of many, the first to lock the row finds it unredeemed. If the
// principal is there already, `known` is its kind. Returns the kind to be.
std::optional<PrincipalKind> use_up(pqxx::work& transaction, TenantId tenant,
                                    const Digest& token_sha256, const NewDevice& device,
                                    const char* known) {
  const pqxx::result used = transaction.exec_params(
      R"SQL(
      UPDATE invitation
         SET redeemed = now(), redeemed_by = $4
       WHERE tenant_id = $1 AND token_sha256 = $2 AND handle = $3
         AND redeemed IS NULL AND expires > now() AND kind = coalesce($5, kind)
      RETURNING kind)SQL",
      tenant.uuid.text(), binary(token_sha256), binary(device.handle), binary(device.key_id),
      known);
  if (used.empty()) return std::nullopt;
  return kind_of(used[0]["kind"]);
}

}  // namespace

void PostgresInvitations::make(TenantId tenant, const NewInvitation& invitation,
                               const AuditEvent& event) {
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    const auto made = transaction.exec_params(
        R"SQL(
        INSERT INTO invitation (tenant_id, token_sha256, handle, kind, expires, made_by)
        VALUES ($1, $2, $3, $4, to_timestamp($5::bigint), $6)
        ON CONFLICT DO NOTHING)SQL",
        tenant.uuid.text(), binary(invitation.token_sha256), binary(invitation.handle),
        to_text(invitation.kind), seconds(invitation.expires),
        or_null(text_of(invitation.made_by)));
    if (made.affected_rows() == 0) {
      throw Error(ErrorCode::kConflict, "an invitation has this token already");
    }
    record(transaction, tenant, event);
  });
}

std::vector<Invitation> PostgresInvitations::list(TenantId tenant) {
  return pool_.read([&](auto& snapshot) {
    std::vector<Invitation> invitations;
    for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT token_sha256, handle, kind, made_by, redeemed_by,
               extract(epoch FROM expires)::bigint AS expires,
               extract(epoch FROM made)::bigint AS made,
               extract(epoch FROM redeemed)::bigint AS redeemed
          FROM invitation
         WHERE tenant_id = $1
         ORDER BY date_trunc('second', invitation.made), token_sha256)SQL",
                                                     tenant.uuid.text())) {
      invitations.push_back(invitation_of(row));
    }
    return invitations;
  });
}

std::optional<Principal> PostgresInvitations::redeem(TenantId tenant, const Digest& token_sha256,
                                                     const NewDevice& device,
                                                     const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) -> std::optional<Principal> {
    auto principal = hold_principal(transaction, tenant, device.handle);
    if (principal && principal->revoked) return std::nullopt;
    const auto kind = use_up(transaction, tenant, token_sha256, device,
                             principal ? to_text(principal->kind) : nullptr);
    if (!kind) return std::nullopt;
    if (!principal) principal = insert_principal(transaction, tenant, device.handle, *kind);
    // Somebody made it since we looked: once more, from the start.
    if (!principal) throw pqxx::serialization_failure("the principal came meanwhile");
    insert_device(transaction, tenant, principal->id, device);
    AuditEvent enrolment = event;
    enrolment.principal = principal->id;
    record(transaction, tenant, enrolment);
    return principal;
  });
}

bool PostgresInvitations::withdraw(TenantId tenant, const Digest& token_sha256,
                                   const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    const bool withdrawn = transaction
                               .exec_params(R"SQL(
        DELETE FROM invitation
         WHERE tenant_id = $1 AND token_sha256 = $2 AND redeemed IS NULL)SQL",
                                            tenant.uuid.text(), binary(token_sha256))
                               .affected_rows() > 0;
    if (withdrawn) record(transaction, tenant, event);
    return withdrawn;
  });
}

}  // namespace letterbox::storage
