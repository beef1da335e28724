#include "storage/postgres_devices.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_principals.h"
#include "storage/postgres_revoke.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

const std::string kSelectAll = R"SQL(
    SELECT d.tenant_id, p.handle, p.kind, p.revoked IS NOT NULL AS principal_revoked,
           d.recipient, d.signing_key, d.key_id, d.record, d.principal_id,
           extract(epoch FROM d.not_before)::bigint AS not_before,
           extract(epoch FROM d.accepted)::bigint AS accepted,
           extract(epoch FROM d.revoked)::bigint AS revoked
      FROM device AS d
      JOIN principal AS p ON p.tenant_id = d.tenant_id AND p.id = d.principal_id)SQL";
const std::string kSelect = kSelectAll + " WHERE d.tenant_id = $1";

// Every request that is signed waits for it, so it is one look. A device has at least its own
// record, and what is known of the holder stands beside each.
const std::string kFindKey = "WITH holder AS (" + kSelectAll + R"SQL( WHERE d.key_id = $1),
    own AS (
      SELECT d.tenant_id, d.position, d.recipient, d.accepted, d.record
        FROM device AS d
        JOIN holder AS h ON h.tenant_id = d.tenant_id AND h.principal_id = d.principal_id),
    filed AS (
      SELECT position, recipient, accepted, record FROM own
      UNION ALL
      SELECT r.position, r.recipient, r.accepted, r.record
        FROM device_record AS r
        JOIN own USING (tenant_id, recipient))
    SELECT holder.*, filed.recipient AS filed_under, filed.record AS filed_record,
           extract(epoch FROM filed.accepted)::bigint AS filed_at
      FROM holder, filed
     ORDER BY filed.position)SQL";

const std::string kHistory = R"SQL(
    WITH own AS (
      SELECT d.position, d.recipient, d.accepted, d.record
        FROM device AS d
        JOIN principal AS p ON p.tenant_id = d.tenant_id AND p.id = d.principal_id
       WHERE d.tenant_id = $1 AND p.handle = $2)
    SELECT recipient AS filed_under, record AS filed_record,
           extract(epoch FROM accepted)::bigint AS filed_at
      FROM (SELECT * FROM own
            UNION ALL
            SELECT r.position, r.recipient, r.accepted, r.record
              FROM device_record AS r
              JOIN own USING (recipient)
             WHERE r.tenant_id = $1) AS filed
     ORDER BY position)SQL";

std::vector<AcceptedRecord> history_of(const pqxx::result& rows) {
  std::vector<AcceptedRecord> records;
  for (const pqxx::row& row : rows) {
    records.push_back({row["filed_under"].as<std::string>(), time_of(row["filed_at"]),
                       text_of_bytea(row["filed_record"])});
  }
  return records;
}

Device device_of(const pqxx::row& row) {
  return {{row["handle"].as<std::string>(), row["recipient"].as<std::string>(),
           row["signing_key"].as<std::string>(), row["key_id"].as<std::string>(),
           text_of_bytea(row["record"]), optional_time_of(row["not_before"])},
          uuid_of(row["principal_id"]),
          time_of(row["accepted"]),
          optional_time_of(row["revoked"])};
}

// Also locks the tenant's row: what comes next in the order commits next.
std::int64_t next_position(pqxx::work& transaction, TenantId tenant) {
  const pqxx::result taken = transaction.exec_params(R"SQL(
      UPDATE tenant SET next_position = next_position + 1
       WHERE id = $1
      RETURNING next_position - 1)SQL",
                                                     tenant.uuid.text());
  if (taken.empty()) throw Error(ErrorCode::kNotFound, "there is no such tenant");
  return taken[0][0].as<std::int64_t>();
}

// A device that isn't there violates the foreign key, which is kNotFound.
void file_record(pqxx::work& transaction, TenantId tenant, const std::string& recipient,
                 const std::string& envelope) {
  transaction.exec_params(R"SQL(
      INSERT INTO device_record (tenant_id, position, recipient, record)
      VALUES ($1, $2, $3, $4))SQL",
                          tenant.uuid.text(), next_position(transaction, tenant), binary(recipient),
                          binary(envelope));
}

}  // namespace

void insert_device(pqxx::work& transaction, TenantId tenant, const Uuid& principal,
                   const NewDevice& device) {
  const auto added = transaction.exec_params(
      R"SQL(
      INSERT INTO device (tenant_id, recipient, signing_key, key_id, principal_id, record,
                          not_before, position)
      VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint), $8)
      ON CONFLICT DO NOTHING)SQL",
      tenant.uuid.text(), binary(device.recipient), binary(device.signing_key),
      binary(device.key_id), principal.text(), binary(device.record),
      or_null(seconds_text(device.not_before)), next_position(transaction, tenant));
  if (added.affected_rows() == 0) {
    throw Error(ErrorCode::kConflict, "a device has this age key or this signing key already");
  }
}

void PostgresDevices::add(TenantId tenant, const NewDevice& device, const AuditEvent& event) {
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    const auto held = hold_principal(transaction, tenant, device.handle);
    insert_device(transaction, tenant, require_active(held).id, device);
    record(transaction, tenant, event);
  });
}

void PostgresDevices::add_record(TenantId tenant, const std::string& recipient,
                                 const std::string& envelope, const AuditEvent& event) {
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    file_record(transaction, tenant, recipient, envelope);
    record(transaction, tenant, event);
  });
}

bool PostgresDevices::revoke(TenantId tenant, const std::string& recipient,
                             const std::optional<std::string>& envelope, const AuditEvent& event) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    if (!revoke_row(transaction, "device", "recipient", tenant, binary(recipient))) return false;
    if (envelope) file_record(transaction, tenant, recipient, *envelope);
    record(transaction, tenant, event);
    return true;
  });
}

std::vector<Device> PostgresDevices::list(TenantId tenant,
                                          const std::optional<std::string>& handle) {
  const std::string id = tenant.uuid.text();
  const pqxx::result rows =
      handle ? pool_.ask(kSelect + " AND p.handle = $2 ORDER BY d.recipient", id, binary(*handle))
             : pool_.ask(kSelect + " ORDER BY p.handle, d.recipient", id);
  std::vector<Device> devices;
  for (const pqxx::row& row : rows) devices.push_back(device_of(row));
  return devices;
}

std::optional<Device> PostgresDevices::find_recipient(TenantId tenant,
                                                      const std::string& recipient) {
  const pqxx::result found =
      pool_.ask(kSelect + " AND d.recipient = $2", tenant.uuid.text(), binary(recipient));
  if (found.empty()) return std::nullopt;
  return device_of(found[0]);
}

std::optional<KeyHolder> PostgresDevices::find_key(const std::string& key_id) {
  const pqxx::result found = pool_.ask(kFindKey, binary(key_id));
  if (found.empty()) return std::nullopt;
  return KeyHolder{{uuid_of(found[0]["tenant_id"])},
                   device_of(found[0]),
                   kind_of(found[0]["kind"]),
                   found[0]["principal_revoked"].as<bool>(),
                   history_of(found)};
}

std::vector<AcceptedRecord> PostgresDevices::history(TenantId tenant, const std::string& handle) {
  return history_of(pool_.ask(kHistory, tenant.uuid.text(), binary(handle)));
}

}  // namespace letterbox::storage
