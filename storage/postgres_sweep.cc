#include "storage/postgres_sweep.h"

#include <algorithm>
#include <exception>
#include <string>

#include "base/error.h"
#include "storage/lifetimes.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

// Each takes the one thing that has been over the longest. What another gateway is about to take,
// or somebody works on, is locked and skipped.

constexpr const char* kExpire = R"SQL(
  UPDATE delivery SET state = 'expired', ended = to_timestamp($1::bigint)
   WHERE (tenant_id, id) = (SELECT tenant_id, id
                              FROM delivery
                             WHERE state IN ('open', 'closed') AND expires <= to_timestamp($1::bigint)
                             ORDER BY expires
                             LIMIT 1
                               FOR NO KEY UPDATE SKIP LOCKED)
  RETURNING tenant_id, id)SQL";

constexpr const char* kExpireNeverClosed = R"SQL(
  UPDATE delivery SET state = 'expired', ended = to_timestamp($1::bigint)
   WHERE (tenant_id, id) = (SELECT d.tenant_id, d.id
                              FROM delivery AS d
                             WHERE d.state = 'open' AND NOT d.sealed_by_gateway
                               AND d.created <= to_timestamp($2::bigint)
                               AND NOT EXISTS (SELECT
                                                 FROM upload AS u
                                                WHERE u.tenant_id = d.tenant_id
                                                  AND u.delivery_id = d.id
                                                  AND u.expires > to_timestamp($1::bigint))
                               AND NOT EXISTS (SELECT
                                                 FROM file AS f
                                                WHERE f.tenant_id = d.tenant_id
                                                  AND f.delivery_id = d.id
                                                  AND f.stored > to_timestamp($2::bigint))
                             ORDER BY d.created
                             LIMIT 1
                               FOR NO KEY UPDATE SKIP LOCKED)
  RETURNING tenant_id, id)SQL";

constexpr const char* kDropUpload = R"SQL(
  DELETE FROM upload
   WHERE (tenant_id, id) = (SELECT tenant_id, id
                              FROM upload
                             WHERE expires <= to_timestamp($1::bigint)
                             ORDER BY expires
                             LIMIT 1
                               FOR UPDATE SKIP LOCKED))SQL";

constexpr const char* kDropFormerVersion = R"SQL(
  DELETE FROM former_version
   WHERE (tenant_id, delivery_id, version) = (SELECT tenant_id, delivery_id, version
                                                FROM former_version
                                               WHERE since <= to_timestamp($1::bigint) AND version > 1
                                               ORDER BY since
                                               LIMIT 1
                                                 FOR UPDATE SKIP LOCKED))SQL";

constexpr const char* kDropStagedHeaders = R"SQL(
  DELETE FROM staged_headers
   WHERE (tenant_id, change_id, file_id) = (SELECT tenant_id, change_id, file_id
                                              FROM staged_headers
                                             WHERE staged <= to_timestamp($1::bigint)
                                             ORDER BY staged
                                             LIMIT 1
                                               FOR UPDATE SKIP LOCKED))SQL";

// Covers, manifest and receipts go with it.
constexpr const char* kForget = R"SQL(
  DELETE FROM delivery
   WHERE (tenant_id, id) = (SELECT tenant_id, id
                              FROM delivery
                             WHERE ended <= to_timestamp($1::bigint)
                             ORDER BY ended
                             LIMIT 1
                               FOR UPDATE SKIP LOCKED))SQL";

// Whoever should have been told of one, and wasn't, isn't any more: that is written down.
constexpr const char* kDropNotices = R"SQL(
  WITH gone AS (
    DELETE FROM notice
     WHERE (tenant_id, id) IN (SELECT tenant_id, id
                                 FROM notice
                                WHERE at <= to_timestamp($1::bigint)
                                ORDER BY at
                                LIMIT $2::bigint
                                  FOR UPDATE SKIP LOCKED)
    RETURNING tenant_id, id, place),
  unread AS (
    DELETE FROM notice_reader AS r USING gone
     WHERE r.place = gone.place
    RETURNING r.tenant_id, gone.id, r.principal_id, r.place, r.by_mail),
  given_up AS (
    INSERT INTO audit (tenant_id, id, kind, outcome, object_id)
    SELECT w.tenant_id, uuid_v7(), 'administration', 'failure', gone.id
      FROM gone
      JOIN webhook AS w ON w.tenant_id = gone.tenant_id AND w.told < gone.place
    UNION ALL
    SELECT m.tenant_id, uuid_v7(), 'administration', 'failure', unread.id
      FROM unread
      JOIN mail_address AS m
        ON m.tenant_id = unread.tenant_id AND m.principal_id = unread.principal_id
       AND m.told < unread.place
     WHERE unread.by_mail)
  SELECT count(*) FROM gone)SQL";

// Whoever still stages rows after so long finds out at its commit. An upload lives by its own time.
constexpr const char* kDisown = R"SQL(
  UPDATE payload SET staged_by = '00000000-0000-0000-0000-000000000000'
   WHERE (tenant_id, id) = (SELECT p.tenant_id, p.id
                              FROM payload AS p
                             WHERE p.staged_by IS NOT NULL
                               AND p.staged_by <> '00000000-0000-0000-0000-000000000000'
                               AND p.started <= to_timestamp($1::bigint)
                               AND NOT EXISTS (SELECT FROM upload AS u
                                                WHERE u.tenant_id = p.tenant_id
                                                  AND u.id = p.staged_by)
                             LIMIT 1
                               FOR UPDATE SKIP LOCKED))SQL";

// --- Sealed bytes of nobody ---------------------------------------------------------------------

// Many are small and go together; of big ones so many rows at a time: 64 MiB.
constexpr std::size_t kPayloadsAtOnce = 64;
constexpr std::size_t kRowsAtOnce = 64;

constexpr const char* kTakePayloads = R"SQL(
  SELECT tenant_id, id
    FROM payload
   WHERE staged_by = '00000000-0000-0000-0000-000000000000'
   ORDER BY tenant_id, id
   LIMIT $1::bigint
     FOR UPDATE SKIP LOCKED)SQL";

// Nobody else touches rows of a payload that is nobody's, so where they lie stays true.
constexpr const char* kDropRows = R"SQL(
  DELETE FROM payload_row
   WHERE ctid = ANY (ARRAY(SELECT r.ctid
                             FROM unnest($1::uuid[], $2::uuid[]) AS p (tenant_id, id)
                             JOIN payload_row AS r
                               ON r.tenant_id = p.tenant_id AND r.payload_id = p.id
                            LIMIT $3::bigint)))SQL";

constexpr const char* kDropPayloads = R"SQL(
  DELETE FROM payload AS p USING unnest($1::uuid[], $2::uuid[]) AS t (tenant_id, id)
   WHERE p.tenant_id = t.tenant_id AND p.id = t.id
     AND NOT EXISTS (SELECT FROM payload_row AS r
                      WHERE r.tenant_id = p.tenant_id AND r.payload_id = p.id))SQL";

// Whatever a crash takes back of this, the next sweep takes away again.
void relax(pqxx::work& transaction) {
  transaction.exec("SET LOCAL synchronous_commit = off");
  // A delivery may hold thousands of files, and a row has hundreds of pieces out of line.
  transaction.exec("SET LOCAL statement_timeout = 0");
}

// Runs a statement that takes one thing, until there is none or it took `limit`.
template <typename... Times>
std::uint64_t take(Pool& pool, std::size_t limit, const char* sql, Times... times) {
  std::uint64_t taken = 0;
  while (taken < limit) {
    const auto one = pool.transact([&](pqxx::work& transaction, Connection&) {
      relax(transaction);
      return transaction.exec_params(sql, seconds(times)...).affected_rows();
    });
    if (one == 0) break;
    taken += one;
  }
  return taken;
}

// The same of deliveries, each of which is written to the audit trail: nobody did it, and no one
// opens it from then on.
template <typename... Times>
std::uint64_t expire(Pool& pool, std::size_t limit, const char* sql, Times... times) {
  std::uint64_t taken = 0;
  for (bool found = true; found && taken < limit;) {
    found = pool.transact([&](pqxx::work& transaction, Connection&) {
      relax(transaction);
      const pqxx::result expired = transaction.exec_params(sql, seconds(times)...);
      if (expired.empty()) return false;
      record(transaction, {uuid_of(expired[0][0])},
             {.kind = AuditKind::kExpiry, .object = uuid_of(expired[0][1])});
      return true;
    });
    if (found) ++taken;
  }
  return taken;
}

// One batch; false if there was nothing.
bool drop_payloads(Pool& pool, std::size_t limit, Lapsed& lapsed) {
  const std::size_t payloads = std::min<std::size_t>(kPayloadsAtOnce, limit - lapsed.payloads);
  const std::size_t rows = std::min<std::size_t>(kRowsAtOnce, limit - lapsed.rows);
  if (payloads == 0 || rows == 0) return false;
  const Lapsed dropped = pool.transact([&](pqxx::work& transaction, Connection&) {
    relax(transaction);
    std::vector<Uuid> tenants;
    std::vector<Uuid> ids;
    for (const pqxx::row& row : transaction.exec_params(kTakePayloads, payloads)) {
      tenants.push_back(uuid_of(row[0]));
      ids.push_back(uuid_of(row[1]));
    }
    Lapsed batch;
    if (ids.empty()) return batch;
    const std::string of = array_literal(tenants);
    const std::string which = array_literal(ids);
    batch.rows = transaction.exec_params(kDropRows, of, which, rows).affected_rows();
    batch.payloads = transaction.exec_params(kDropPayloads, of, which).affected_rows();
    return batch;
  });
  lapsed.rows += dropped.rows;
  lapsed.payloads += dropped.payloads;
  return dropped.any();
}

std::uint64_t drop_notices(Pool& pool, std::chrono::sys_seconds made_before, std::size_t limit) {
  return pool.transact([&](pqxx::work& transaction, Connection&) {
    relax(transaction);
    return transaction.exec_params1(kDropNotices, seconds(made_before), limit)[0]
        .as<std::uint64_t>();
  });
}

}  // namespace

Lapsed sweep_lapsed(Pool& pool, std::chrono::sys_seconds now, std::size_t limit) {
  Lapsed lapsed;
  // One kind that can't be swept mustn't keep the others.
  std::exception_ptr first;
  const auto sweep = [&](const auto& kind) {
    try {
      kind();
    } catch (const Error&) {
      if (!first) first = std::current_exception();
    }
  };
  sweep([&] { lapsed.deliveries = expire(pool, limit, kExpire, now); });
  sweep([&] {
    lapsed.deliveries +=
        expire(pool, limit - lapsed.deliveries, kExpireNeverClosed, now, now - kNeverClosed);
  });
  sweep([&] { lapsed.uploads = take(pool, limit, kDropUpload, now); });
  sweep([&] {
    lapsed.former_versions = take(pool, limit, kDropFormerVersion, now - kFormerVersionKept);
  });
  sweep([&] {
    lapsed.former_versions +=
        take(pool, limit - lapsed.former_versions, kDropStagedHeaders, now - kStagedHeadersKept);
  });
  sweep([&] { take(pool, limit, kDisown, now - kStagedRowsKept); });
  sweep([&] {
    while (drop_payloads(pool, limit, lapsed)) {
    }
  });
  sweep([&] { lapsed.notices = drop_notices(pool, now - kNoticesKept, limit); });
  sweep([&] { lapsed.forgotten = take(pool, limit, kForget, now - kEndedKept); });
  if (first) std::rethrow_exception(first);
  return lapsed;
}

}  // namespace letterbox::storage
