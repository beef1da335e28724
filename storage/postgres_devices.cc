#include "storage/postgres_devices.h"

#include "base/error.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

namespace {

Device device_of(const pqxx::row& row) {
  return {row["handle"].as<std::string>(), row["recipient"].as<std::string>(),
          row["signing_key"].as<std::string>(), text_of_bytea(row["record"])};
}

}  // namespace

void PostgresDevices::add(const Device& device) {
  const auto added = pool_.transact([&](pqxx::work& transaction, Connection&) {
    return transaction
        .exec_params(R"SQL(
          INSERT INTO device (tenant_id, recipient, signing_key, handle, record)
          VALUES ($1, $2, $3, $4, $5)
          ON CONFLICT DO NOTHING)SQL",
                     kTenant, binary(device.recipient), binary(device.signing_key),
                     binary(device.handle), binary(device.record))
        .affected_rows();
  });
  if (added == 0) {
    throw Error(ErrorCode::kConflict,
                "a device with this age key or this signing key is in the directory already");
  }
}

std::vector<Device> PostgresDevices::list(const std::optional<std::string>& handle) {
  return pool_.read([&](auto& snapshot) {
    const pqxx::result rows = handle ? snapshot.exec_params(R"SQL(
                   SELECT handle, recipient, signing_key, record
                     FROM device
                    WHERE tenant_id = $1 AND handle = $2
                    ORDER BY recipient)SQL",
                                                            kTenant, binary(*handle))
                                     : snapshot.exec_params(R"SQL(
                   SELECT handle, recipient, signing_key, record
                     FROM device
                    WHERE tenant_id = $1
                    ORDER BY handle, recipient)SQL",
                                                            kTenant);
    std::vector<Device> devices;
    for (const pqxx::row& row : rows) devices.push_back(device_of(row));
    return devices;
  });
}

std::optional<Device> PostgresDevices::find_recipient(const std::string& recipient) {
  return pool_.read([&](auto& snapshot) -> std::optional<Device> {
    const pqxx::result rows = snapshot.exec_params(R"SQL(
        SELECT handle, recipient, signing_key, record
          FROM device
         WHERE tenant_id = $1 AND recipient = $2)SQL",
                                                   kTenant, binary(recipient));
    if (rows.empty()) return std::nullopt;
    return device_of(rows[0]);
  });
}

bool PostgresDevices::remove(const std::string& recipient) {
  return pool_.transact([&](pqxx::work& transaction, Connection&) {
    return transaction
               .exec_params("DELETE FROM device WHERE tenant_id = $1 AND recipient = $2", kTenant,
                            binary(recipient))
               .affected_rows() > 0;
  });
}

}  // namespace letterbox::storage
