#include "storage/postgres_notices.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

// Whoever has this lock gives out places, until its commit. The next one then gives later ones, so
// places become visible in their order.
constexpr const char* kTryAlone = "SELECT pg_try_advisory_xact_lock(30510848294416250)";

// Concerned are those whom NoticeKind says. A recipient's device is a person's by the directory.
// The sender's own devices are recipients too; nobody is written to about what they sent.
constexpr const char* kPlace = R"SQL(
  WITH oldest AS MATERIALIZED (
    SELECT tenant_id, id FROM notice WHERE place IS NULL ORDER BY made LIMIT $1::bigint),
  numbered AS MATERIALIZED (
    SELECT tenant_id, id, nextval('notice_place') AS place FROM oldest),
  placed AS (
    UPDATE notice AS n SET place = u.place
      FROM numbered AS u
     WHERE n.tenant_id = u.tenant_id AND n.id = u.id
    RETURNING n.tenant_id, n.place, n.kind, n.delivery_id),
  concerned AS (
    SELECT p.tenant_id, p.place, d.sender_id AS principal_id, p.kind = 'expiring' AS by_mail
      FROM placed AS p
      JOIN delivery AS d ON d.tenant_id = p.tenant_id AND d.id = p.delivery_id
     WHERE p.kind <> 'delivered'
    UNION ALL
    SELECT p.tenant_id, p.place, v.principal_id,
           p.kind IN ('delivered', 'shared') AND v.principal_id <> d.sender_id
      FROM placed AS p
      JOIN delivery AS d ON d.tenant_id = p.tenant_id AND d.id = p.delivery_id
      JOIN delivery_recipient AS r ON r.tenant_id = p.tenant_id AND r.delivery_id = p.delivery_id
      JOIN device AS v ON v.tenant_id = r.tenant_id AND v.recipient = r.recipient
     WHERE p.kind IN ('delivered', 'shared', 'expired', 'revoked')),
  written AS (
    INSERT INTO notice_reader (tenant_id, principal_id, place, by_mail)
    SELECT tenant_id, principal_id, place, bool_or(by_mail)
      FROM concerned
     GROUP BY tenant_id, principal_id, place)
  SELECT count(*) FROM placed)SQL";

constexpr const char* kLast = "SELECT coalesce(max(place), 0) FROM notice_reader";

constexpr const char* kNews = R"SQL(
  SELECT tenant_id, principal_id, max(place) AS place
    FROM notice_reader
   WHERE place > $1
   GROUP BY tenant_id, principal_id)SQL";

constexpr const char* kRead = R"SQL(
  SELECT n.id, n.kind, floor(extract(epoch FROM n.at))::bigint AS at, n.delivery_id, n.recipient, n.place
    FROM notice_reader AS r
    JOIN notice AS n ON n.tenant_id = r.tenant_id AND n.place = r.place
   WHERE r.tenant_id = $1 AND r.principal_id = $2 AND r.place > $3
   ORDER BY r.place
   LIMIT $4::bigint)SQL";

constexpr const char* kFind = R"SQL(
  SELECT place FROM notice WHERE tenant_id = $1 AND id = $2 AND place IS NOT NULL)SQL";

// The last part of a life is a quarter of it at most. Of a person's devices one is enough.
constexpr const char* kWarn = R"SQL(
  WITH due AS MATERIALIZED (
    SELECT tenant_id, id, sender_id
      FROM delivery
     WHERE state = 'closed' AND NOT warned
       AND expires > to_timestamp($1::bigint) AND expires <= to_timestamp($1::bigint + $2::bigint)
       AND expires - (expires - created) / 4 <= to_timestamp($1::bigint)
     ORDER BY expires
     LIMIT $3::bigint
       FOR NO KEY UPDATE SKIP LOCKED),
  marked AS (
    UPDATE delivery AS d SET warned = true
      FROM due
     WHERE d.tenant_id = due.tenant_id AND d.id = due.id),
  made AS (
    INSERT INTO notice (tenant_id, kind, delivery_id)
    SELECT due.tenant_id, 'expiring', due.id
      FROM due
     WHERE EXISTS (
             SELECT v.principal_id
               FROM delivery_recipient AS r
               LEFT JOIN device AS v ON v.tenant_id = r.tenant_id AND v.recipient = r.recipient
               LEFT JOIN delivery_progress AS p
                 ON p.tenant_id = r.tenant_id AND p.delivery_id = r.delivery_id
                AND p.recipient = r.recipient
              WHERE r.tenant_id = due.tenant_id AND r.delivery_id = due.id
                AND v.principal_id IS DISTINCT FROM due.sender_id
              GROUP BY v.principal_id
             HAVING bool_and(p.collected IS NULL AND p.opened IS NULL)))
  SELECT count(*) FROM due)SQL";

constexpr std::array kKinds = {
    NoticeKind::kDelivered, NoticeKind::kShared,  NoticeKind::kCollected, NoticeKind::kOpened,
    NoticeKind::kExpiring,  NoticeKind::kExpired, NoticeKind::kRevoked};

NoticeKind notice_kind_of(const pqxx::field& field) {
  const auto text = field.as<std::string>();
  for (const NoticeKind kind : kKinds) {
    if (text == to_string(kind)) return kind;
  }
  throw Error(ErrorCode::kInternal, "the database holds a notice of an unknown kind");
}

std::size_t most(std::size_t limit) {
  return std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max());
}

}  // namespace

std::vector<Notice> notices_of(const pqxx::result& rows) {
  std::vector<Notice> notices;
  for (const pqxx::row& row : rows) {
    notices.push_back({row["place"].as<NoticePlace>(), uuid_of(row["id"]),
                       notice_kind_of(row["kind"]), time_of(row["at"]), uuid_of(row["delivery_id"]),
                       optional_text_of(row["recipient"])});
  }
  return notices;
}

std::size_t PostgresNotices::place(std::size_t limit) {
  // Most of the time there is nothing, which takes one look.
  if (!pool_.ask("SELECT EXISTS (SELECT FROM notice WHERE place IS NULL)")[0][0].as<bool>()) {
    return 0;
  }
  return pool_.transact([&](pqxx::work& transaction, Connection&) -> std::size_t {
    if (!transaction.exec1(kTryAlone)[0].as<bool>()) return 0;
    return transaction.exec_params1(kPlace, most(limit))[0].as<std::size_t>();
  });
}

NoticePlace PostgresNotices::last() {
  return pool_.ask(kLast)[0][0].as<NoticePlace>();
}

News PostgresNotices::news(NoticePlace after) {
  News news{{}, after};
  for (const pqxx::row& row : pool_.ask(kNews, after)) {
    news.readers.emplace_back(TenantId{uuid_of(row["tenant_id"])}, uuid_of(row["principal_id"]));
    news.upto = std::max(news.upto, row["place"].as<NoticePlace>());
  }
  return news;
}

std::vector<Notice> PostgresNotices::read(TenantId tenant, const Uuid& principal, NoticePlace after,
                                          std::size_t limit) {
  return notices_of(pool_.ask(kRead, tenant.uuid.text(), principal.text(), after, most(limit)));
}

std::optional<NoticePlace> PostgresNotices::find(TenantId tenant, const Uuid& notice) {
  const pqxx::result found = pool_.ask(kFind, tenant.uuid.text(), notice.text());
  if (found.empty()) return std::nullopt;
  return found[0][0].as<NoticePlace>();
}

std::size_t PostgresNotices::warn(std::chrono::sys_seconds now, std::chrono::seconds warning,
                                  std::size_t limit) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    return transaction.exec_params1(kWarn, seconds(now), warning.count(), most(limit))[0]
        .as<std::size_t>();
  });
}

}  // namespace letterbox::storage
