#include "storage/postgres_deliveries.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"
#include "storage/row_framing.h"

namespace letterbox::storage {

namespace {

// Every delivery has a recipient.
constexpr const char* kAudience = R"SQL(
  SELECT d.sender_id, d.state, d.version, r.recipient
    FROM live_delivery AS d
    JOIN delivery_recipient AS r ON r.tenant_id = d.tenant_id AND r.delivery_id = d.id
   WHERE d.tenant_id = $1 AND d.id = $2
   ORDER BY r.recipient)SQL";

// One statement for both strengths of lock: those who add a file share it, who closes has it alone.
void lock_open(pqxx::work& transaction, TenantId tenant, const Uuid& id,
               const std::string& strength) {
  const pqxx::result found = transaction.exec_params(R"SQL(
      SELECT state = 'open' AS open
        FROM live_delivery
       WHERE tenant_id = $1 AND id = $2
         FOR )SQL" + strength,
                                                     tenant.uuid.text(), id.text());
  if (found.empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such delivery, or it has expired: " + id.text());
  }
  if (!found[0]["open"].as<bool>()) {
    throw Error(ErrorCode::kConflict, "the delivery is closed already: " + id.text());
  }
}

[[noreturn]] void refuse_taken(const NewDelivery& delivery) {
  throw Error(ErrorCode::kConflict, "a delivery has this id already: " + delivery.id.text());
}

// Whether the one that has its id is this very delivery, and lives.
bool is_open_already(pqxx::work& transaction, TenantId tenant, const NewDelivery& delivery) {
  return !transaction
              .exec_params(R"SQL(
      SELECT
        FROM live_delivery AS d
        JOIN cover AS c ON c.tenant_id = d.tenant_id AND c.delivery_id = d.id AND c.version = 1
       WHERE d.tenant_id = $1 AND d.id = $2 AND d.sender_id = $3 AND d.downloads = $4
         AND c.envelope = $5)SQL",
                           tenant.uuid.text(), delivery.id.text(), delivery.sender.text(),
                           delivery.downloads, binary(delivery.cover))
              .empty();
}

std::optional<std::string> manifest_of(pqxx::work& transaction, TenantId tenant, const Uuid& id) {
  const pqxx::result found = transaction.exec_params(
      "SELECT manifest FROM live_delivery WHERE tenant_id = $1 AND id = $2 AND state = 'closed'",
      tenant.uuid.text(), id.text());
  if (found.empty()) return std::nullopt;
  return text_of_bytea(found[0][0]);
}

// Deliveries with all that belongs to them, in three statements however many they are, in the
// order of `ids`.
template <typename Snapshot>
std::vector<Delivery> load(Snapshot& snapshot, TenantId tenant, const std::vector<Uuid>& ids) {
  const std::string wanted = array_literal(ids);
  std::map<Uuid, Delivery> found;

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT id, sender_id, sealed_by_gateway, state, downloads, manifest,
               extract(epoch FROM created)::bigint AS created,
               extract(epoch FROM expires)::bigint AS expires
          FROM delivery
         WHERE tenant_id = $1 AND id = ANY ($2::uuid[]))SQL",
                                                   tenant.uuid.text(), wanted)) {
    Delivery& delivery = found[uuid_of(row["id"])];
    delivery.id = uuid_of(row["id"]);
    delivery.sender = uuid_of(row["sender_id"]);
    delivery.state = state_of(row["state"]);
    delivery.sealed_by_gateway = row["sealed_by_gateway"].as<bool>();
    delivery.created = time_of(row["created"]);
    delivery.expires = time_of(row["expires"]);
    delivery.downloads = row["downloads"].as<std::uint32_t>();
    if (!row["manifest"].is_null()) delivery.manifest = text_of_bytea(row["manifest"]);
  }

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT delivery_id, envelope
          FROM cover
         WHERE tenant_id = $1 AND delivery_id = ANY ($2::uuid[])
         ORDER BY delivery_id, version)SQL",
                                                   tenant.uuid.text(), wanted)) {
    found.at(uuid_of(row["delivery_id"])).covers.push_back(text_of_bytea(row["envelope"]));
  }

  for (const pqxx::row& row : snapshot.exec_params(R"SQL(
        SELECT delivery_id, id, payload_length, payload_sha256, index_length, index_sha256
          FROM file
         WHERE tenant_id = $1 AND delivery_id = ANY ($2::uuid[])
         ORDER BY delivery_id, id)SQL",
                                                   tenant.uuid.text(), wanted)) {
    Delivery& delivery = found.at(uuid_of(row["delivery_id"]));
    const Uuid id = uuid_of(row["id"]);
    delivery.files.push_back(
        {id, row["payload_length"].as<std::uint64_t>(), array_of<32>(row["payload_sha256"])});
    if (row["index_length"].is_null()) continue;
    delivery.indexes.push_back(
        {id, row["index_length"].as<std::uint64_t>(), array_of<32>(row["index_sha256"])});
  }

  std::vector<Delivery> deliveries;
  deliveries.reserve(ids.size());
  for (const Uuid& id : ids) deliveries.push_back(std::move(found.at(id)));
  return deliveries;
}

std::vector<Uuid> ids_of(const pqxx::result& rows) {
  std::vector<Uuid> ids;
  for (const pqxx::row& row : rows) ids.push_back(uuid_of(row[0]));
  return ids;
}

}  // namespace

void insert_cover_and_recipients(pqxx::work& transaction, TenantId tenant,
                                 const NewDelivery& delivery) {
  transaction.exec_params(R"SQL(
      INSERT INTO cover (tenant_id, delivery_id, version, envelope)
      VALUES ($1, $2, 1, $3))SQL",
                          tenant.uuid.text(), delivery.id.text(), binary(delivery.cover));
  transaction.exec_params(R"SQL(
      INSERT INTO delivery_recipient (tenant_id, delivery_id, recipient)
      SELECT DISTINCT $1::uuid, $2::uuid, recipient
        FROM unnest($3::text[]) AS recipient)SQL",
                          tenant.uuid.text(), delivery.id.text(),
                          array_literal(delivery.recipients));
}

void insert_closed_delivery(pqxx::work& transaction, TenantId tenant, const NewDelivery& delivery,
                            const std::string& manifest) {
  const auto inserted = transaction.exec_params(
      R"SQL(
      INSERT INTO delivery (tenant_id, id, sender_id, sealed_by_gateway, created, expires,
                            downloads, state, closed, manifest)
      VALUES ($1, $2, $3, $4, to_timestamp($5::bigint), to_timestamp($6::bigint), $7, 'closed',
              now(), $8)
      ON CONFLICT DO NOTHING)SQL",
      tenant.uuid.text(), delivery.id.text(), delivery.sender.text(), delivery.sealed_by_gateway,
      seconds(delivery.created), seconds(delivery.expires), delivery.downloads, binary(manifest));
  if (inserted.affected_rows() == 0) refuse_taken(delivery);
  insert_cover_and_recipients(transaction, tenant, delivery);
}

void hold_open(pqxx::work& transaction, TenantId tenant, const Uuid& id) {
  lock_open(transaction, tenant, id, "SHARE");
}

DeliveryState state_of(std::string_view text) {
  for (const DeliveryState state : {DeliveryState::kOpen, DeliveryState::kClosed,
                                    DeliveryState::kExpired, DeliveryState::kRevoked}) {
    if (text == to_string(state)) return state;
  }
  throw Error(ErrorCode::kInternal, "the database holds a delivery in an unknown state");
}

bool PostgresDeliveries::open(TenantId tenant, const NewDelivery& delivery,
                              const AuditEvent& event) {
  require_sound(delivery);
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    const auto inserted = transaction.exec_params(
        R"SQL(
        INSERT INTO delivery (tenant_id, id, sender_id, sealed_by_gateway, created, expires,
                              downloads)
        VALUES ($1, $2, $3, $4, to_timestamp($5::bigint), to_timestamp($6::bigint), $7)
        ON CONFLICT DO NOTHING)SQL",
        tenant.uuid.text(), delivery.id.text(), delivery.sender.text(), delivery.sealed_by_gateway,
        seconds(delivery.created), seconds(delivery.expires), delivery.downloads);
    if (inserted.affected_rows() == 0) {
      if (!is_open_already(transaction, tenant, delivery)) refuse_taken(delivery);
      return false;
    }
    insert_cover_and_recipients(transaction, tenant, delivery);
    record(transaction, tenant, event);
    return true;
  });
}

bool PostgresDeliveries::close(TenantId tenant, const Uuid& id, const std::string& manifest,
                               const std::vector<Uuid>& files, const std::vector<Uuid>& indexes,
                               const AuditEvent& event) {
  std::vector<Uuid> named = files;
  std::vector<Uuid> indexed = indexes;
  std::sort(named.begin(), named.end());
  std::sort(indexed.begin(), indexed.end());
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    // Whoever closes it meanwhile is waited for here, and then has closed it.
    try {
      lock_open(transaction, tenant, id, "UPDATE");
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kConflict) throw;
      if (manifest_of(transaction, tenant, id) != manifest) throw;
      return false;
    }
    // PostgreSQL orders uuids by their bytes, as we do.
    std::vector<Uuid> held;
    std::vector<Uuid> held_indexes;
    for (const pqxx::row& row : transaction.exec_params(R"SQL(
        SELECT id, index_header IS NOT NULL AS indexed
          FROM file
         WHERE tenant_id = $1 AND delivery_id = $2
         ORDER BY id)SQL",
                                                        tenant.uuid.text(), id.text())) {
      held.push_back(uuid_of(row["id"]));
      if (row["indexed"].as<bool>()) held_indexes.push_back(held.back());
    }
    if (held.empty() || named != held || indexed != held_indexes) {
      throw Error(ErrorCode::kConflict, "the manifest names " + std::to_string(named.size()) +
                                            " files and " + std::to_string(indexed.size()) +
                                            " indexes, the delivery " + id.text() + " holds " +
                                            std::to_string(held.size()) + " and " +
                                            std::to_string(held_indexes.size()) + ", or others");
    }
    transaction.exec_params(R"SQL(
        UPDATE delivery
           SET state = 'closed', closed = now(), manifest = $3
         WHERE tenant_id = $1 AND id = $2)SQL",
                            tenant.uuid.text(), id.text(), binary(manifest));
    record(transaction, tenant, event);
    return true;
  });
}

std::optional<std::string> PostgresDeliveries::revoke(TenantId tenant, const Uuid& id,
                                                      const std::function<std::string()>& receipt,
                                                      const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) -> std::optional<std::string> {
    // Whatever recipients had wrapped for others goes too, and mustn't make this take too long.
    transaction.exec("SET LOCAL statement_timeout = 0");
    const pqxx::result found = transaction.exec_params(R"SQL(
        SELECT state, deletion_receipt
          FROM delivery
         WHERE tenant_id = $1 AND id = $2
           FOR NO KEY UPDATE)SQL",
                                                       tenant.uuid.text(), id.text());
    if (found.empty()) return std::nullopt;
    if (state_of(found[0]["state"]) == DeliveryState::kRevoked) {
      const pqxx::field before = found[0]["deletion_receipt"];
      return before.is_null() ? std::string() : text_of_bytea(before);
    }
    std::string made = receipt();
    // Whatever could open or find it goes in this very statement (migration 0005).
    transaction.exec_params(R"SQL(
        UPDATE delivery
           SET state = 'revoked', ended = now(), deletion_receipt = nullif($3::bytea, '')
         WHERE tenant_id = $1 AND id = $2)SQL",
                            tenant.uuid.text(), id.text(), binary(made));
    record(transaction, tenant, event);
    return made;
  });
}

std::optional<Delivery> PostgresDeliveries::find(TenantId tenant, const Uuid& id) {
  return pool_.read([&](auto& snapshot) -> std::optional<Delivery> {
    const auto alive =
        ids_of(snapshot.exec_params("SELECT id FROM live_delivery WHERE tenant_id = $1 AND id = $2",
                                    tenant.uuid.text(), id.text()));
    if (alive.empty()) return std::nullopt;
    return load(snapshot, tenant, alive).front();
  });
}

std::optional<DeliveryPart> PostgresDeliveries::part(TenantId tenant, const Uuid& id,
                                                     const std::vector<std::uint32_t>& versions) {
  return pool_.read([&](auto& snapshot) -> std::optional<DeliveryPart> {
    const pqxx::result counted = snapshot.exec_params(R"SQL(
        SELECT (SELECT count(*) FROM file AS f
                 WHERE f.tenant_id = d.tenant_id AND f.delivery_id = d.id) AS files,
               (SELECT count(*) FROM file AS f
                 WHERE f.tenant_id = d.tenant_id AND f.delivery_id = d.id
                   AND f.index_length IS NOT NULL) AS indexes
          FROM live_delivery AS d
         WHERE d.tenant_id = $1 AND d.id = $2)SQL",
                                                      tenant.uuid.text(), id.text());
    if (counted.empty()) return std::nullopt;
    DeliveryPart part{{},
                      counted[0]["files"].template as<std::size_t>(),
                      counted[0]["indexes"].template as<std::size_t>()};
    for (const std::uint32_t version : versions) {
      const pqxx::result cover = snapshot.exec_params(
          "SELECT envelope FROM cover WHERE tenant_id = $1 AND delivery_id = $2"
          "   AND version::bigint = $3",
          tenant.uuid.text(), id.text(), version);
      if (cover.empty()) return std::nullopt;
      part.covers.push_back(text_of_bytea(cover[0][0]));
    }
    return part;
  });
}

std::optional<Audience> PostgresDeliveries::audience(TenantId tenant, const Uuid& id) {
  const BinaryResult found = pool_.run([&](Connection& connection) {
    return connection.execute(kAudience, {tenant.uuid, id});
  });
  if (found.rows() == 0) return std::nullopt;
  Audience audience{found.uuid(0, 0),
                    {},
                    state_of(found.text(0, 1)),
                    static_cast<std::uint32_t>(found.number(0, 2))};
  for (int row = 0; row < found.rows(); ++row) audience.recipients.emplace_back(found.text(row, 3));
  return audience;
}

InboxPage PostgresDeliveries::inbox(TenantId tenant, const std::string& recipient,
                                    const std::optional<Uuid>& after, std::size_t limit) {
  // No UUIDv7 is smaller than the nil UUID.
  const std::string start = after ? after->text() : "00000000-0000-0000-0000-000000000000";
  // One more than asked tells whether there is a next page.
  const auto most = std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max() - 1) + 1;
  return pool_.read([&](auto& snapshot) {
    std::vector<Uuid> ids;
    std::size_t records = 0;
    bool more = false;
    for (const pqxx::row& row :
         snapshot.exec_params(R"SQL(
        SELECT d.id, octet_length(d.manifest)
                     + (SELECT sum(octet_length(c.envelope))
                          FROM cover AS c
                         WHERE c.tenant_id = d.tenant_id AND c.delivery_id = d.id) AS records
          FROM delivery_recipient AS r
          JOIN live_delivery AS d ON d.tenant_id = r.tenant_id AND d.id = r.delivery_id
         WHERE r.tenant_id = $1 AND r.recipient = $2 AND r.delivery_id > $3
           AND d.state = 'closed'
         ORDER BY r.delivery_id
         LIMIT $4::bigint)SQL",
                              tenant.uuid.text(), binary(recipient), start, most)) {
      more = ids.size() == limit || records >= kPageRecords;
      if (more) break;
      ids.push_back(uuid_of(row["id"]));
      records += row["records"].template as<std::size_t>();
    }
    return InboxPage{load(snapshot, tenant, ids), more};
  });
}

}  // namespace letterbox::storage
