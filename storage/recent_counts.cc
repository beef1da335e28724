#include "storage/recent_counts.h"

namespace letterbox::storage {

std::size_t RecentCounts::of(TenantId tenant, const Uuid& delivery,
                             const std::function<std::size_t()>& count) {
  const Clock::time_point limit = Clock::now() - std::chrono::seconds(1);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(counts_, [&](const auto& one) { return one.second.when < limit; });
    const auto known = counts_.find({tenant, delivery});
    if (known != counts_.end()) return known->second.files;
  }
  const Clock::time_point asked = Clock::now();
  const std::size_t files = count();
  const std::lock_guard lock(mutex_);
  counts_.insert_or_assign({tenant, delivery}, Count{files, asked});
  return files;
}

void RecentCounts::forget(TenantId tenant, const Uuid& delivery) {
  const std::lock_guard lock(mutex_);
  counts_.erase({tenant, delivery});
}

}  // namespace letterbox::storage
