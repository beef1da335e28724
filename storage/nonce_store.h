// The replay cache: which nonces signers have used.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Thread-safe. Every call may throw Error kUnavailable.
class NonceStore {
 public:
  virtual ~NonceStore() = default;

  /// True if `key_id` hasn't used `nonce` before, or only in a claim that has expired; of many at
  /// once one is told so. A claim is durable once any later call that promises durability has
  /// returned, and until then a crash of the database may forget it: so the request that it was
  /// made for must be recorded (AuditStore) before it is answered. Throws Error kNotFound if there
  /// is no such tenant.
  virtual bool claim(TenantId tenant, const std::string& key_id, const std::string& nonce,
                     std::chrono::sys_seconds expires) = 0;
  /// Forgets expired claims, of all tenants, at most `limit`; returns how many. Many may sweep at
  /// once.
  virtual std::size_t sweep(std::size_t limit) = 0;
};

}  // namespace letterbox::storage
