#include "storage/postgres_webhooks.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_notices.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

constexpr const char* kPut = R"SQL(
  INSERT INTO webhook AS w (tenant_id, url, authority, told)
  SELECT $1::uuid, $2, $3, coalesce(max(place), 0) FROM notice WHERE tenant_id = $1
  ON CONFLICT (tenant_id) DO UPDATE
     SET url = excluded.url, authority = excluded.authority, failures = 0, next_try = '-infinity'
   WHERE (w.url, w.authority) <> (excluded.url, excluded.authority))SQL";

// Whoever is taken at this moment is skipped, and taken then.
constexpr const char* kTake = R"SQL(
  UPDATE webhook AS w
     SET next_try = to_timestamp($2::bigint), holder = $3
   WHERE w.tenant_id = (
           SELECT due.tenant_id
             FROM webhook AS due
            WHERE due.next_try <= to_timestamp($1::bigint)
              AND EXISTS (SELECT FROM notice AS n
                           WHERE n.tenant_id = due.tenant_id AND n.place > due.told)
            ORDER BY due.next_try
            LIMIT 1
              FOR UPDATE SKIP LOCKED)
  RETURNING w.tenant_id, w.url, w.authority, w.failures, w.told)SQL";

constexpr const char* kNotices = R"SQL(
  SELECT id, kind, floor(extract(epoch FROM at))::bigint AS at, delivery_id, recipient, place
    FROM notice
   WHERE tenant_id = $1 AND place > $2
   ORDER BY place
   LIMIT $3::bigint)SQL";

constexpr const char* kDone = R"SQL(
  UPDATE webhook
     SET failures = CASE WHEN $2 THEN failures + 1 ELSE 0 END, next_try = to_timestamp($3::bigint),
         holder = NULL
   WHERE tenant_id = $1 AND holder = $4)SQL";

constexpr const char* kBacklog = R"SQL(
  SELECT count(*) AS notices, extract(epoch FROM min(n.at))::bigint AS oldest
    FROM webhook AS w
    JOIN notice AS n ON n.tenant_id = w.tenant_id AND n.place > w.told)SQL";

}  // namespace

void PostgresWebhooks::put(TenantId tenant, const std::optional<Webhook>& webhook,
                           const AuditEvent& event) {
  const std::string whose = tenant.uuid.text();
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    if (transaction.exec_params("SELECT FROM tenant WHERE id = $1", whose).empty()) {
      throw Error(ErrorCode::kNotFound, "there is no such tenant");
    }
    const pqxx::result changed =
        webhook
            ? transaction.exec_params(kPut, whose, binary(webhook->url), binary(webhook->authority))
            : transaction.exec_params("DELETE FROM webhook WHERE tenant_id = $1", whose);
    if (changed.affected_rows() > 0) record(transaction, tenant, event);
  });
}

std::optional<Webhook> PostgresWebhooks::find(TenantId tenant) {
  const pqxx::result found =
      pool_.ask("SELECT url, authority FROM webhook WHERE tenant_id = $1", tenant.uuid.text());
  if (found.empty()) return std::nullopt;
  return Webhook{found[0][0].as<std::string>(), found[0][1].as<std::string>()};
}

std::optional<WebhookTurn> PostgresWebhooks::take(std::chrono::sys_seconds now,
                                                  std::chrono::sys_seconds until,
                                                  std::size_t limit) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) -> std::optional<WebhookTurn> {
    const pqxx::result taken =
        transaction.exec_params(kTake, seconds(now), seconds(until), instance_.text());
    if (taken.empty()) return std::nullopt;
    const pqxx::row row = taken[0];
    return WebhookTurn{
        {uuid_of(row["tenant_id"])},
        {row["url"].as<std::string>(), row["authority"].as<std::string>()},
        row["failures"].as<unsigned>(),
        notices_of(transaction.exec_params(kNotices, row["tenant_id"].as<std::string>(),
                                           row["told"].as<NoticePlace>(), limit))};
  });
}

void PostgresWebhooks::told(TenantId tenant, NoticePlace place) {
  pool_.ask("UPDATE webhook SET told = greatest(told, $2), failures = 0 WHERE tenant_id = $1",
            tenant.uuid.text(), place);
}

void PostgresWebhooks::done(TenantId tenant, bool in_vain, std::chrono::sys_seconds next) {
  pool_.ask(kDone, tenant.uuid.text(), in_vain, seconds(next), instance_.text());
}

void PostgresWebhooks::release() {
  pool_.ask("UPDATE webhook SET next_try = '-infinity', holder = NULL WHERE holder = $1",
            instance_.text());
}

Backlog PostgresWebhooks::backlog() {
  const pqxx::result found = pool_.ask(kBacklog);
  return {found[0]["notices"].as<std::size_t>(), optional_time_of(found[0]["oldest"])};
}

}  // namespace letterbox::storage
