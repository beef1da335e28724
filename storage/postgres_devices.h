#pragma once

#include "storage/device_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresDevices final : public DeviceStore {
 public:
  explicit PostgresDevices(Pool& pool) : pool_(pool) {}

  void add(const Device& device) override;
  std::vector<Device> list(const std::optional<std::string>& handle) override;
  std::optional<Device> find_recipient(const std::string& recipient) override;
  bool remove(const std::string& recipient) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
