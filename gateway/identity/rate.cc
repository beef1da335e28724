#include "gateway/identity/rate.h"

#include <algorithm>

namespace letterbox::gateway {

bool Rate::take(const std::string& who, Clock::time_point now) {
  if (burst_ <= 0) return true;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMost && !buckets_.contains(who)) forget_full_ones(now);
  Bucket& bucket = buckets_.try_emplace(who, Bucket{burst_, now}).first->second;
  refill(bucket, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

bool Rate::spent(const std::string& who, Clock::time_point now) {
  if (burst_ <= 0) return false;
  const std::lock_guard lock(mutex_);
  const auto found = buckets_.find(who);
  if (found == buckets_.end()) return false;
  refill(found->second, now);
  return found->second.tokens < 1;
}

void Rate::refill(Bucket& bucket, Clock::time_point now) const {
  const std::chrono::duration<double> passed = now - bucket.at;
  if (passed.count() <= 0) return;
  bucket.tokens = std::min(burst_, bucket.tokens + passed.count() * per_second_);
  bucket.at = now;
}

// A full bucket is the same as none. Where too many are at it at once, all begin anew: to forget is
// better than to lock out those who come, and better than to grow.
void Rate::forget_full_ones(Clock::time_point now) {
  for (auto& [who, bucket] : buckets_) refill(bucket, now);
  std::erase_if(buckets_, [&](const auto& entry) { return entry.second.tokens >= burst_; });
  if (buckets_.size() >= kMost) buckets_.clear();
}

}  // namespace letterbox::gateway
