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

// All of it in one statement, and so in one transaction and one round trip, since downloads wait
// for it. $2 are the records' ids, $3 to $7 as AuditStatement has them; times are texts of seconds.
//
// Who continues writes nothing, and so waits for no disk.
//
// Those who come at the same moment meet at the rows of `download`, all in the same order: the
// second one finds the first one's time, and counts nothing. That also makes it safe to run twice.
//
// What is collected isn't held by those who find it there: a device that fetches many files of one
// delivery at once would wait for itself.
constexpr const char* kCount = R"SQL(
  WITH seen AS (
    SELECT wanted.file_id, wanted.record_id, d.id, d.downloads
      FROM unnest($8::uuid[], $2::uuid[]) AS wanted (file_id, record_id)
      JOIN file AS f ON f.tenant_id = $1 AND f.id = wanted.file_id
      JOIN live_delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
      JOIN delivery_recipient AS r
        ON r.tenant_id = d.tenant_id AND r.delivery_id = d.id AND r.recipient = $9::text
     WHERE d.state = 'closed'),
  counted AS (
    INSERT INTO download AS w (tenant_id, file_id, recipient, since)
    SELECT $1, seen.file_id, $9::text, to_timestamp($10::text::bigint)
      FROM seen
     WHERE NOT EXISTS (SELECT
                         FROM download AS known
                        WHERE known.tenant_id = $1 AND known.file_id = seen.file_id
                          AND known.recipient = $9::text
                          AND known.since > to_timestamp($11::text::bigint))
     ORDER BY seen.file_id
    ON CONFLICT (tenant_id, file_id, recipient) DO UPDATE
       SET count = w.count + 1, since = excluded.since
     WHERE w.since <= to_timestamp($11::text::bigint)
       AND w.count < (SELECT downloads FROM seen WHERE seen.file_id = w.file_id)
    RETURNING file_id),
  collected AS (
    INSERT INTO delivery_progress AS p (tenant_id, delivery_id, recipient, collected)
    SELECT DISTINCT $1::uuid, seen.id, $9::text, to_timestamp($10::text::bigint)
      FROM seen
      JOIN counted USING (file_id)
     WHERE NOT EXISTS (SELECT
                         FROM delivery_progress
                        WHERE tenant_id = $1 AND delivery_id = seen.id AND recipient = $9::text
                          AND collected IS NOT NULL)
    ON CONFLICT (tenant_id, delivery_id, recipient) DO UPDATE
       SET collected = excluded.collected
     WHERE p.collected IS NULL),
  recorded AS (
    INSERT INTO audit (tenant_id, id, kind, outcome, principal_id, device, peer, object_id)
    SELECT $1, seen.record_id, $3, $4, $5, $6, $7::text::inet, seen.file_id
      FROM seen
      JOIN counted USING (file_id)
     ORDER BY seen.record_id)
  SELECT seen.file_id, counted.file_id IS NOT NULL FROM seen LEFT JOIN counted USING (file_id))SQL";

constexpr const char* kContinues = R"SQL(
  SELECT file_id, since > to_timestamp($4::text::bigint)
    FROM download
   WHERE tenant_id = $1 AND file_id = ANY ($2::uuid[]) AND recipient = $3::text)SQL";

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

std::vector<std::optional<DownloadOutcome>> PostgresReceipts::begin_downloads(
    TenantId tenant, std::span<const Uuid> files, const std::string& recipient,
    std::chrono::sys_seconds now, const AuditEvent& event) try {
  const AuditStatement record(tenant, event);
  const std::string when = std::to_string(seconds(now));
  const std::string fresh = std::to_string(seconds(now - kDownloadContinues));
  ArrayParameter wanted(ArrayParameter::Element::kUuid, files.size());
  ArrayParameter records(ArrayParameter::Element::kUuid, files.size());
  for (const Uuid& file : files) {
    wanted.add(file);
    records.add(Uuid::v7());
  }

  Statement count = record.statement();
  count.sql = kCount;
  count.parameters[1] = records;
  count.parameters.back() = wanted;
  for (const std::string* text : {&recipient, &when, &fresh}) {
    count.parameters.push_back(as_bytes(*text));
  }
  const BinaryResult counted = pool_.run(
      [&](Connection& connection) { return std::move(connection.execute_all({count}).front()); });
  std::map<Uuid, DownloadOutcome> outcomes;
  std::vector<Uuid> others;
  for (int i = 0; i < counted.rows(); ++i) {
    const Uuid file = counted.uuid(i, 0);
    if (counted.is_true(i, 1)) {
      outcomes.emplace(file, DownloadOutcome::kCounted);
    } else {
      others.push_back(file);
    }
  }

  if (!others.empty()) {
    ArrayParameter known(ArrayParameter::Element::kUuid, others.size());
    for (const Uuid& file : others) known.add(file);
    const BinaryResult continued = pool_.run([&](Connection& connection) {
      return connection.execute(kContinues,
                                {tenant.uuid, known, as_bytes(recipient), as_bytes(fresh)});
    });
    for (int i = 0; i < continued.rows(); ++i) {
      outcomes.emplace(continued.uuid(i, 0), continued.is_true(i, 1) ? DownloadOutcome::kContinued
                                                                     : DownloadOutcome::kRefused);
    }
  }

  std::vector<std::optional<DownloadOutcome>> all;
  for (const Uuid& file : files) {
    const auto found = outcomes.find(file);
    all.push_back(found == outcomes.end() ? std::nullopt : std::optional(found->second));
  }
  return all;
} catch (const Error& error) {
  if (error.code() != ErrorCode::kNotFound) throw;
  // One went away after it was seen, and with it the statement for all.
  if (files.size() == 1) return {std::nullopt};
  std::vector<std::optional<DownloadOutcome>> one_by_one;
  for (const Uuid& file : files) {
    one_by_one.push_back(begin_download(tenant, file, recipient, now, event));
  }
  return one_by_one;
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
