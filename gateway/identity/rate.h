// How often somebody may: a bucket of tokens for each, refilled at a steady rate.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace letterbox::gateway {

/// Thread-safe, and bounded: it remembers at most kMost of those who have used up something.
class Rate {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMost = 65536;

  /// `burst` at once, and as many in each `period` in the long run. A burst of 0 is no limit.
  Rate(std::size_t burst, std::chrono::seconds period)
      : burst_(static_cast<double>(burst)),
        per_second_(burst_ / std::chrono::duration<double>(period).count()) {}

  /// Takes one; false if `who` has none left.
  bool take(const std::string& who, Clock::time_point now = Clock::now());
  /// Whether `who` has none left. Takes nothing.
  bool spent(const std::string& who, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double tokens;
    Clock::time_point at;
  };

  void refill(Bucket& bucket, Clock::time_point now) const;
  void forget_full_ones(Clock::time_point now);

  const double burst_;
  const double per_second_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace letterbox::gateway
