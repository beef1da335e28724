#include "storage/postgres_audit.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "storage/audit_check.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

// The lock of migration 0002's trigger. Alone in it, no writer has a position and hasn't committed.
constexpr const char* kWaitForWriters = "SELECT pg_advisory_xact_lock(30510848294416249)";

constexpr std::array kKinds = {
    AuditKind::kLogin,   AuditKind::kEnrolment,     AuditKind::kRevocation, AuditKind::kUpload,
    AuditKind::kDeposit, AuditKind::kSharing,       AuditKind::kExpiry,     AuditKind::kCollect,
    AuditKind::kRefusal, AuditKind::kAdministration};

const char* text_of(AuditKind kind) noexcept {
  switch (kind) {
    case AuditKind::kLogin:
      return "login";
    case AuditKind::kEnrolment:
      return "enrolment";
    case AuditKind::kRevocation:
      return "revocation";
    case AuditKind::kUpload:
      return "upload";
    case AuditKind::kDeposit:
      return "deposit";
    case AuditKind::kSharing:
      return "sharing";
    case AuditKind::kExpiry:
      return "expiry";
    case AuditKind::kCollect:
      return "collect";
    case AuditKind::kRefusal:
      return "refusal";
    case AuditKind::kAdministration:
      return "administration";
  }
  return "";
}

const char* text_of(AuditOutcome outcome) noexcept {
  return outcome == AuditOutcome::kSuccess ? "success" : "failure";
}

constexpr const char* kRecord = R"SQL(
  INSERT INTO audit (tenant_id, id, kind, outcome, principal_id, device, peer, object_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7::text::inet, $8))SQL";

AuditKind audit_kind_of(const pqxx::field& field) {
  const auto text = field.as<std::string>();
  for (const AuditKind kind : kKinds) {
    if (text == text_of(kind)) return kind;
  }
  throw Error(ErrorCode::kInternal, "the database holds an audit record of an unknown kind");
}

AuditRecord record_of(const pqxx::row& row) {
  return {uuid_of(row["id"]),
          time_of(row["at"]),
          {.kind = audit_kind_of(row["kind"]),
           .outcome = row["success"].as<bool>() ? AuditOutcome::kSuccess : AuditOutcome::kFailure,
           .principal = optional_uuid_of(row["principal_id"]),
           .device = optional_text_of(row["device"]),
           .peer = optional_text_of(row["peer"]),
           .object = optional_uuid_of(row["object_id"])}};
}

}  // namespace

void record(pqxx::work& transaction, TenantId tenant, const AuditEvent& event) {
  require_sound(event);
  transaction.exec_params(kRecord, tenant.uuid.text(), Uuid::v7().text(), text_of(event.kind),
                          text_of(event.outcome), or_null(text_of(event.principal)),
                          or_null(event.device), or_null(event.peer),
                          or_null(text_of(event.object)));
}

AuditStatement::AuditStatement(TenantId tenant, const AuditEvent& event)
    : tenant_(tenant), event_(event) {
  require_sound(event);
}

Statement AuditStatement::statement() const {
  return {kRecord,
          {tenant_.uuid, id_, as_bytes(text_of(event_.kind)), as_bytes(text_of(event_.outcome)),
           event_.principal, event_.device, event_.peer, event_.object}};
}

void PostgresAudit::append(TenantId tenant, const AuditEvent& event) {
  pool_.transact([&](pqxx::work& transaction, Connection&) { record(transaction, tenant, event); });
}

std::vector<AuditRecord> PostgresAudit::read(TenantId tenant, const std::optional<Uuid>& after,
                                             std::size_t limit) {
  // 1. How far everything is decided. Writers wait for this one look, not for the page.
  const auto frontier = pool_.transact([&](pqxx::work& transaction, Connection&) {
    transaction.exec(kWaitForWriters);
    return transaction
        .exec_params1("SELECT coalesce(max(position), 0) FROM audit WHERE tenant_id = $1",
                      tenant.uuid.text())[0]
        .as<std::int64_t>();
  });

  // 2. The page.
  const auto most = std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max());
  return pool_.read([&](auto& snapshot) {
    std::int64_t start = 0;
    if (after) {
      const pqxx::result found =
          snapshot.exec_params("SELECT position FROM audit WHERE tenant_id = $1 AND id = $2",
                               tenant.uuid.text(), after->text());
      if (found.empty()) throw Error(ErrorCode::kNotFound, "there is no such audit record");
      start = found[0][0].template as<std::int64_t>();
    }
    std::vector<AuditRecord> records;
    for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT id, extract(epoch FROM at)::bigint AS at, kind, outcome = 'success' AS success,
               principal_id, device, host(peer) AS peer, object_id
          FROM audit
         WHERE tenant_id = $1 AND position > $2 AND position <= $3
         ORDER BY position
         LIMIT $4::bigint)SQL",
                                                     tenant.uuid.text(), start, frontier, most)) {
      records.push_back(record_of(row));
    }
    return records;
  });
}

}  // namespace letterbox::storage
