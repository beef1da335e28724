#pragma once

#include "storage/nonce_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresNonces final : public NonceStore {
 public:
  explicit PostgresNonces(Pool& pool) : pool_(pool) {}

  bool claim(TenantId tenant, const std::string& key_id, const std::string& nonce,
             std::chrono::sys_seconds expires) override;
  std::size_t sweep(std::size_t limit) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
