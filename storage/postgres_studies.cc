#include "storage/postgres_studies.h"

#include <algorithm>
#include <limits>

#include "storage/postgres_request.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

// One row for each cover and each recipient, by one snapshot.
constexpr const char* kFindOpen = R"SQL(
  SELECT d.id, part.cover, part.recipient
    FROM live_delivery AS d,
         LATERAL (SELECT version, envelope AS cover, NULL::text AS recipient
                    FROM cover WHERE tenant_id = $1 AND delivery_id = d.id
                  UNION ALL
                  SELECT NULL, NULL, recipient
                    FROM delivery_recipient WHERE tenant_id = $1 AND delivery_id = d.id) AS part
   WHERE d.tenant_id = $1 AND d.study_mac = $2 AND d.joinable
   ORDER BY part.version, part.recipient COLLATE "C")SQL";

constexpr const char* kCount = R"SQL(
  SELECT count(*) FROM file WHERE tenant_id = $1 AND delivery_id = $2)SQL";

// For one instance. An array of them would be planned anew each time, which takes longer than this.
constexpr const char* kFind = R"SQL(
  SELECT f.instance_mac, f.delivery_id, f.id, f.content_mac, d.joinable
    FROM file AS f
    JOIN live_delivery AS d ON d.tenant_id = f.tenant_id AND d.id = f.delivery_id
   WHERE f.tenant_id = $1 AND f.instance_mac = $2
   ORDER BY f.stored, f.id)SQL";

// What is chosen among studies' open deliveries, with a row for each recipient.
std::string open_studies(const std::string& choice) {
  return R"SQL(
      WITH chosen AS (
        SELECT d.tenant_id, d.id, d.sender_id, d.mailbox
          FROM live_delivery AS d
         WHERE d.study_mac IS NOT NULL AND d.closed IS NULL AND )SQL" +
         choice + R"SQL(
         ORDER BY d.id
         LIMIT $2::bigint)
      SELECT chosen.*, r.recipient
        FROM chosen
        JOIN delivery_recipient AS r
          ON r.tenant_id = chosen.tenant_id AND r.delivery_id = chosen.id
       ORDER BY chosen.id, chosen.tenant_id, r.recipient)SQL";
}

// One that has no file left can't be closed, and isn't due. What takes longest to know comes last.
constexpr const char* kDue = R"SQL(
  EXISTS (SELECT
            FROM (SELECT f.stored
                    FROM file AS f
                   WHERE f.tenant_id = d.tenant_id AND f.delivery_id = d.id
                     AND f.content_mac IS NOT NULL
                   ORDER BY f.stored DESC
                   LIMIT 1) AS last
           WHERE NOT d.joinable
              OR d.created + interval '30 minutes' <= to_timestamp($1::bigint)
              OR last.stored + d.closes_after * interval '1 second' <= to_timestamp($1::bigint)
              OR (SELECT count(*) >= 4000
                    FROM file AS f
                   WHERE f.tenant_id = d.tenant_id AND f.delivery_id = d.id)))SQL";
static_assert(kMaxInstances == 4000);
static_assert(kLongestOpen == std::chrono::minutes(30));

std::vector<OpenStudy> grouped(const pqxx::result& rows) {
  std::vector<OpenStudy> studies;
  for (const pqxx::row& row : rows) {
    const TenantId tenant{uuid_of(row["tenant_id"])};
    const Uuid delivery = uuid_of(row["id"]);
    if (studies.empty() || studies.back().tenant != tenant || studies.back().delivery != delivery) {
      studies.push_back(
          {tenant, delivery, uuid_of(row["sender_id"]), row["mailbox"].as<std::string>(), {}});
    }
    studies.back().recipients.push_back(row["recipient"].as<std::string>());
  }
  return studies;
}

std::size_t most(std::size_t limit) {
  return std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max());
}

}  // namespace

std::unique_ptr<RequestWriter> PostgresStudies::begin(TenantId tenant) {
  return std::make_unique<PostgresRequest>(pool_, instance_, counts_, tenant);
}

std::optional<JoinableStudy> PostgresStudies::find_open(TenantId tenant, const Mac& study) {
  return pool_.run([&](Connection& connection) -> std::optional<JoinableStudy> {
    const auto results = connection.execute_all({{kFindOpen, {tenant.uuid, ByteView(study)}}});
    const BinaryResult& found = results.front();
    if (found.rows() == 0) return std::nullopt;
    JoinableStudy open{found.uuid(0, 0), {}, {}, 0};
    for (int row = 0; row < found.rows(); ++row) {
      const bool is_cover = !found.is_null(row, 1);
      auto& parts = is_cover ? open.covers : open.recipients;
      parts.emplace_back(as_text(found.bytes(row, is_cover ? 1 : 2)));
    }
    open.instances = counts_.of(tenant, open.delivery, [&] {
      const auto counted = connection.execute_all({{kCount, {tenant.uuid, open.delivery}}});
      return static_cast<std::size_t>(counted.front().number(0, 0));
    });
    return open;
  });
}

std::vector<LiveInstance> PostgresStudies::find(TenantId tenant,
                                                const std::vector<Mac>& instances) {
  std::vector<Statement> statements;
  for (const Mac& instance : instances) {
    statements.push_back({kFind, {tenant.uuid, ByteView(instance)}});
  }
  return pool_.run([&](Connection& connection) {
    std::vector<LiveInstance> found;
    for (const BinaryResult& rows : connection.execute_all(statements)) {
      for (int row = 0; row < rows.rows(); ++row) {
        found.push_back({rows.array<32>(row, 0), rows.uuid(row, 1), rows.uuid(row, 2),
                         rows.array<32>(row, 3), rows.bytes(row, 4).front() != 0});
      }
    }
    return found;
  });
}

std::vector<OpenStudy> PostgresStudies::due(std::chrono::sys_seconds now, std::size_t limit) {
  return pool_.read([&](auto& snapshot) {
    return grouped(snapshot.exec_params(open_studies(kDue), seconds(now), most(limit)));
  });
}

std::vector<OpenStudy> PostgresStudies::joinable(const std::optional<Uuid>& after,
                                                 std::size_t limit) {
  // No UUIDv7 is smaller than the nil UUID.
  const std::string start = after ? after->text() : Uuid().text();
  return pool_.read([&](auto& snapshot) {
    return grouped(
        snapshot.exec_params(open_studies("d.joinable AND d.id > $1"), start, most(limit)));
  });
}

}  // namespace letterbox::storage
