#pragma once

#include <pqxx/pqxx>

#include "storage/device_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresDevices final : public DeviceStore {
 public:
  explicit PostgresDevices(Pool& pool) : pool_(pool) {}

  void add(TenantId tenant, const NewDevice& device, const AuditEvent& event) override;
  void add_record(TenantId tenant, const std::string& recipient, const std::string& record,
                  const AuditEvent& event) override;
  bool revoke(TenantId tenant, const std::string& recipient,
              const std::optional<std::string>& record, const AuditEvent& event) override;
  std::vector<Device> list(TenantId tenant, const std::optional<std::string>& handle) override;
  std::optional<Device> find_recipient(TenantId tenant, const std::string& recipient) override;
  std::optional<KeyHolder> find_key(const std::string& key_id) override;
  std::vector<AcceptedRecord> history(TenantId tenant, const std::string& handle) override;

 private:
  Pool& pool_;
};

/// The step that an invitation's transaction takes here. Throws Error kConflict if one of the
/// keys is taken.
void insert_device(pqxx::work& transaction, TenantId tenant, const Uuid& principal,
                   const NewDevice& device);

}  // namespace letterbox::storage
