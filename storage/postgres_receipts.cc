#include "storage/postgres_receipts.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "storage/lifetimes.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_deliveries.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

// All of it in one statement, and so in one transaction and one round trip, since a download waits
// for it. $1 to $8 are as AuditStatement has them; times are texts of seconds.
//
// Who continues writes nothing, and so waits for no disk.
//
// Those who come at the same moment meet at the row of `download`: the second one finds the first
// one's time, and counts nothing. That also makes it safe to run twice.
//
// What is collected isn't held by those who find it there: a device that fetches many files of one
// delivery at once would wait for itself.
constexpr const char* kCount = R"SQL(
  WITH seen AS (
    SELECT d.id, d.downloads
      FROM file AS f
      JOIN live_delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
      JOIN delivery_recipient AS r
        ON r.tenant_id = d.tenant_id AND r.delivery_id = d.id AND r.recipient = $10::text
     WHERE f.tenant_id = $1 AND f.id = $9 AND d.state = 'closed'),
  counted AS (
    INSERT INTO download AS w (tenant_id, file_id, recipient, since)
    SELECT $1, $9, $10::text, to_timestamp($11::text::bigint)
      FROM seen
     WHERE NOT EXISTS (SELECT
                         FROM download
                        WHERE tenant_id = $1 AND file_id = $9 AND recipient = $10::text
                          AND since > to_timestamp($12::text::bigint))
    ON CONFLICT (tenant_id, file_id, recipient) DO UPDATE
       SET count = w.count + 1, since = excluded.since
     WHERE w.since <= to_timestamp($12::text::bigint) AND w.count < (SELECT downloads FROM seen)
    RETURNING file_id),
  collected AS (
    INSERT INTO delivery_progress AS p (tenant_id, delivery_id, recipient, collected)
    SELECT $1, seen.id, $10::text, to_timestamp($11::text::bigint)
      FROM seen, counted
     WHERE NOT EXISTS (SELECT
                         FROM delivery_progress
                        WHERE tenant_id = $1 AND delivery_id = seen.id AND recipient = $10::text
                          AND collected IS NOT NULL)
    ON CONFLICT (tenant_id, delivery_id, recipient) DO UPDATE
       SET collected = excluded.collected
     WHERE p.collected IS NULL),
  recorded AS (
    INSERT INTO audit (tenant_id, id, kind, outcome, principal_id, device, peer, object_id)
    SELECT $1, $2, $3, $4, $5, $6, $7::text::inet, $8 FROM counted)
  SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM counted))SQL";

constexpr const char* kContinues = R"SQL(
  SELECT since > to_timestamp($4::bigint)
    FROM download
   WHERE tenant_id = $1 AND file_id = $2 AND recipient = $3)SQL";

constexpr const char* kListed = R"SQL(
  SELECT
    FROM live_delivery AS d
    JOIN delivery_recipient AS r
      ON r.tenant_id = d.tenant_id AND r.delivery_id = d.id AND r.recipient = $3
   WHERE d.tenant_id = $1 AND d.id = $2 AND d.state = 'closed')SQL";

constexpr const char* kOpened = R"SQL(
  INSERT INTO delivery_progress AS p (tenant_id, delivery_id, recipient, opened)
  VALUES ($1, $2, $3, $4)
  ON CONFLICT (tenant_id, delivery_id, recipient) DO UPDATE
     SET opened = excluded.opened
   WHERE p.opened IS NULL)SQL";

// Deliveries as their sender sees them, in four statements however many they are, in the order of
// `ids`; without those that aren't there.
template <typename Snapshot>
std::vector<SentDelivery> load(Snapshot& snapshot, TenantId tenant, const std::vector<Uuid>& ids) {
  const std::string whose = tenant.uuid.text();
  const std::string wanted = array_literal(ids);
  std::map<Uuid, SentDelivery> found;

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT id, sender_id, sealed_by_gateway, manifest, deletion_receipt, downloads,
               CASE WHEN state IN ('open', 'closed') AND expires <= now() THEN 'expired'
                    ELSE state END AS state,
               coalesce(final_files, 0) AS files, coalesce(final_bytes, 0) AS bytes,
               extract(epoch FROM created)::bigint AS created,
               extract(epoch FROM expires)::bigint AS expires,
               extract(epoch FROM ended)::bigint AS ended
          FROM delivery
         WHERE tenant_id = $1 AND id = ANY ($2::uuid[]))SQL",
                                                   whose, wanted)) {
    SentDelivery& sent = found[uuid_of(row["id"])];
    sent.id = uuid_of(row["id"]);
    sent.sender = uuid_of(row["sender_id"]);
    sent.state = state_of(row["state"]);
    sent.sealed_by_gateway = row["sealed_by_gateway"].as<bool>();
    sent.created = time_of(row["created"]);
    sent.expires = time_of(row["expires"]);
    sent.ended = optional_time_of(row["ended"]);
    sent.downloads = row["downloads"].as<std::uint32_t>();
    sent.files = row["files"].as<std::uint64_t>();
    sent.bytes = row["bytes"].as<std::uint64_t>();
    if (!row["manifest"].is_null()) sent.manifest = text_of_bytea(row["manifest"]);
    if (!row["deletion_receipt"].is_null()) {
      sent.deletion_receipt = text_of_bytea(row["deletion_receipt"]);
    }
  }

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT delivery_id, envelope
          FROM cover
         WHERE tenant_id = $1 AND delivery_id = ANY ($2::uuid[])
         ORDER BY delivery_id, version)SQL",
                                                   whose, wanted)) {
    found.at(uuid_of(row["delivery_id"])).covers.push_back(text_of_bytea(row["envelope"]));
  }

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT delivery_id, count(*) AS files,
               sum(payload_length + coalesce(index_length, 0))::bigint AS bytes
          FROM file
         WHERE tenant_id = $1 AND delivery_id = ANY ($2::uuid[])
         GROUP BY delivery_id)SQL",
                                                   whose, wanted)) {
    SentDelivery& sent = found.at(uuid_of(row["delivery_id"]));
    sent.files = row["files"].as<std::uint64_t>();
    sent.bytes = row["bytes"].as<std::uint64_t>();
  }

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT delivery_id, recipient, r.recipient IS NOT NULL AS listed,
               extract(epoch FROM p.collected)::bigint AS collected, p.opened
          FROM (SELECT delivery_id, recipient FROM delivery_recipient
                 WHERE tenant_id = $1 AND delivery_id = ANY ($2::uuid[])) AS r
          FULL JOIN (SELECT delivery_id, recipient, collected, opened FROM delivery_progress
                      WHERE tenant_id = $1 AND delivery_id = ANY ($2::uuid[])) AS p
               USING (delivery_id, recipient)
         ORDER BY delivery_id, recipient COLLATE "C")SQL",
                                                   whose, wanted)) {
    DeviceProgress device{row["recipient"].as<std::string>(), row["listed"].as<bool>(),
                          optional_time_of(row["collected"]), std::nullopt};
    if (!row["opened"].is_null()) device.opened = text_of_bytea(row["opened"]);
    found.at(uuid_of(row["delivery_id"])).devices.push_back(std::move(device));
  }

  std::vector<SentDelivery> all;
  for (const Uuid& id : ids) {
    const auto one = found.find(id);
    if (one != found.end()) all.push_back(std::move(one->second));
  }
  return all;
}

}  // namespace

std::optional<DownloadOutcome> PostgresReceipts::begin_download(TenantId tenant, const Uuid& file,
                                                                const std::string& recipient,
                                                                std::chrono::sys_seconds now,
                                                                const AuditEvent& event) try {
  const AuditStatement record(tenant, event);
  const std::int64_t fresh = seconds(now - kDownloadContinues);
  const std::string when = std::to_string(seconds(now));
  const std::string before = std::to_string(fresh);
  Statement count = record.statement();
  count.sql = kCount;
  for (const Parameter& parameter : {Parameter(file), Parameter(as_bytes(recipient)),
                                     Parameter(as_bytes(when)), Parameter(as_bytes(before))}) {
    count.parameters.push_back(parameter);
  }
  const BinaryResult counted = pool_.run(
      [&](Connection& connection) { return std::move(connection.execute_all({count}).front()); });
  if (counted.number(0, 1) > 0) return DownloadOutcome::kCounted;
  if (counted.number(0, 0) == 0) return std::nullopt;
  const pqxx::result found =
      pool_.ask(kContinues, tenant.uuid.text(), file.text(), binary(recipient), fresh);
  if (found.empty()) return std::nullopt;
  return found[0][0].as<bool>() ? DownloadOutcome::kContinued : DownloadOutcome::kRefused;
} catch (const Error& error) {
  // It went away after it was seen.
  if (error.code() == ErrorCode::kNotFound) return std::nullopt;
  throw;
}

bool PostgresReceipts::put_opened(TenantId tenant, const Uuid& delivery,
                                  const std::string& recipient, const std::string& receipt,
                                  const AuditEvent& event) {
  const std::string whose = tenant.uuid.text();
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    if (transaction.exec_params(kListed, whose, delivery.text(), binary(recipient)).empty()) {
      throw Error(ErrorCode::kNotFound,
                  "there is no such delivery for this device: " + delivery.text());
    }
    if (transaction.exec_params(kOpened, whose, delivery.text(), binary(recipient), binary(receipt))
            .affected_rows() > 0) {
      record(transaction, tenant, event);
      return true;
    }
    const pqxx::row there = transaction.exec_params1(
        "SELECT opened FROM delivery_progress"
        " WHERE tenant_id = $1 AND delivery_id = $2 AND recipient = $3",
        whose, delivery.text(), binary(recipient));
    if (text_of_bytea(there[0]) != receipt) {
      throw Error(ErrorCode::kConflict,
                  "this device sent another receipt before: " + delivery.text());
    }
    return false;
  });
}

SentPage PostgresReceipts::sent(TenantId tenant, const Uuid& sender,
                                const std::optional<Uuid>& before, std::size_t limit) {
  // No UUIDv7 is greater.
  const std::string start = before ? before->text() : "ffffffff-ffff-ffff-ffff-ffffffffffff";
  // One more than asked tells whether there is a next page.
  const auto most = std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max() - 1) + 1;
  return pool_.read([&](auto& snapshot) {
    std::vector<Uuid> ids;
    std::size_t bulk = 0;
    bool more = false;
    for (const pqxx::row& row :
         snapshot.exec_params(R"SQL(
        SELECT d.id,
               coalesce(octet_length(d.manifest), 0)
                 + (SELECT sum(octet_length(c.envelope))
                      FROM cover AS c
                     WHERE c.tenant_id = d.tenant_id AND c.delivery_id = d.id) AS bulk
          FROM delivery AS d
         WHERE d.tenant_id = $1 AND d.sender_id = $2 AND d.id < $3
         ORDER BY d.id DESC
         LIMIT $4::bigint)SQL",
                              tenant.uuid.text(), sender.text(), start, most)) {
      more = ids.size() == limit || bulk >= kPageRecords;
      if (more) break;
      ids.push_back(uuid_of(row["id"]));
      bulk += row["bulk"].template as<std::size_t>();
    }
    return SentPage{load(snapshot, tenant, ids), more};
  });
}

std::optional<SentDelivery> PostgresReceipts::find(TenantId tenant, const Uuid& delivery) {
  return pool_.read([&](auto& snapshot) -> std::optional<SentDelivery> {
    auto found = load(snapshot, tenant, {delivery});
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  });
}

}  // namespace letterbox::storage
