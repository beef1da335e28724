#include "storage/postgres_mail.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

constexpr const char* kPut = R"SQL(
  INSERT INTO mail_address AS m (tenant_id, principal_id, address, told)
  SELECT $1::uuid, $2::uuid, $3, coalesce(max(place), 0)
    FROM notice_reader
   WHERE tenant_id = $1 AND principal_id = $2
  ON CONFLICT (tenant_id, principal_id) DO UPDATE
     SET address = excluded.address, failures = 0, next_try = '-infinity'
   WHERE m.address <> excluded.address)SQL";

constexpr const char* kRemove = R"SQL(
  DELETE FROM mail_address WHERE tenant_id = $1 AND principal_id = $2)SQL";

// Whoever is taken at this moment is skipped, and taken then.
constexpr const char* kTake = R"SQL(
  UPDATE mail_address AS m
     SET next_try = to_timestamp($2::bigint), holder = $3
    FROM (SELECT due.tenant_id, due.principal_id
            FROM mail_address AS due
            JOIN principal AS p ON p.tenant_id = due.tenant_id AND p.id = due.principal_id
           WHERE due.next_try <= to_timestamp($1::bigint) AND p.revoked IS NULL
             AND EXISTS (SELECT FROM notice_reader AS r
                          WHERE r.tenant_id = due.tenant_id AND r.principal_id = due.principal_id
                            AND r.place > due.told AND r.by_mail)
           ORDER BY due.next_try
           LIMIT 1
             FOR UPDATE OF due SKIP LOCKED) AS one
   WHERE m.tenant_id = one.tenant_id AND m.principal_id = one.principal_id
  RETURNING m.tenant_id, m.principal_id, m.address, m.failures,
            (SELECT max(r.place) FROM notice_reader AS r
              WHERE r.tenant_id = m.tenant_id AND r.principal_id = m.principal_id) AS upto)SQL";

constexpr const char* kTold = R"SQL(
  UPDATE mail_address
     SET told = greatest(told, $3), failures = 0, next_try = to_timestamp($4::bigint), holder = NULL
   WHERE tenant_id = $1 AND principal_id = $2)SQL";

constexpr const char* kInVain = R"SQL(
  UPDATE mail_address
     SET failures = failures + 1, next_try = to_timestamp($3::bigint), holder = NULL
   WHERE tenant_id = $1 AND principal_id = $2 AND holder = $4)SQL";

constexpr const char* kBacklog = R"SQL(
  SELECT count(*) AS notices, extract(epoch FROM min(n.at))::bigint AS oldest
    FROM mail_address AS m
    JOIN notice_reader AS r ON r.tenant_id = m.tenant_id AND r.principal_id = m.principal_id
                           AND r.place > m.told AND r.by_mail
    JOIN notice AS n ON n.tenant_id = r.tenant_id AND n.place = r.place)SQL";

}  // namespace

void PostgresMail::put(TenantId tenant, const Uuid& principal,
                       const std::optional<std::string>& address, const AuditEvent& event) {
  const std::string whose = tenant.uuid.text();
  const std::string who = principal.text();
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    if (transaction
            .exec_params("SELECT FROM principal WHERE tenant_id = $1 AND id = $2", whose, who)
            .empty()) {
      throw Error(ErrorCode::kNotFound, "there is no such principal");
    }
    const pqxx::result changed = address
                                     ? transaction.exec_params(kPut, whose, who, binary(*address))
                                     : transaction.exec_params(kRemove, whose, who);
    if (changed.affected_rows() > 0) record(transaction, tenant, event);
  });
}

std::optional<std::string> PostgresMail::find(TenantId tenant, const Uuid& principal) {
  const pqxx::result found =
      pool_.ask("SELECT address FROM mail_address WHERE tenant_id = $1 AND principal_id = $2",
                tenant.uuid.text(), principal.text());
  if (found.empty()) return std::nullopt;
  return found[0][0].as<std::string>();
}

std::optional<MailTurn> PostgresMail::take(std::chrono::sys_seconds now,
                                           std::chrono::sys_seconds until) {
  const pqxx::result taken = pool_.ask(kTake, seconds(now), seconds(until), instance_.text());
  if (taken.empty()) return std::nullopt;
  const pqxx::row row = taken[0];
  return MailTurn{{uuid_of(row["tenant_id"])},
                  uuid_of(row["principal_id"]),
                  row["address"].as<std::string>(),
                  row["failures"].as<unsigned>(),
                  row["upto"].as<NoticePlace>()};
}

void PostgresMail::told(const MailTurn& turn, std::chrono::sys_seconds next) {
  pool_.ask(kTold, turn.tenant.uuid.text(), turn.principal.text(), turn.upto, seconds(next));
}

void PostgresMail::in_vain(const MailTurn& turn, std::chrono::sys_seconds next) {
  pool_.ask(kInVain, turn.tenant.uuid.text(), turn.principal.text(), seconds(next),
            instance_.text());
}

void PostgresMail::release() {
  pool_.ask("UPDATE mail_address SET next_try = '-infinity', holder = NULL WHERE holder = $1",
            instance_.text());
}

Backlog PostgresMail::backlog() {
  const pqxx::result found = pool_.ask(kBacklog);
  return {found[0]["notices"].as<std::size_t>(), optional_time_of(found[0]["oldest"])};
}

}  // namespace letterbox::storage
