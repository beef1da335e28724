// How many files a delivery had lately. PostgreSQL counts by looking at each, and a study may come
// in thousands of requests.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/uuid.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Thread-safe.
class RecentCounts {
 public:
  /// What `count` said within the last second, or says now. Throws what `count` throws.
  std::size_t of(TenantId tenant, const Uuid& delivery, const std::function<std::size_t()>& count);
  /// The next one to ask will have it counted.
  void forget(TenantId tenant, const Uuid& delivery);

 private:
  using Clock = std::chrono::steady_clock;
  struct Count {
    std::size_t files;
    Clock::time_point when;
  };

  std::mutex mutex_;
  std::map<std::pair<TenantId, Uuid>, Count> counts_;  // of the last second or so
};

}  // namespace letterbox::storage
