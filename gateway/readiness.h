// Whether this gateway wants requests now: what a load balancer asks for.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "gateway/disk.h"
#include "storage/store.h"

namespace letterbox::gateway {

struct ReadinessReport {
  storage::Condition database;
  bool disk = false;  ///< more than the reserve is free
  bool serving = false;

  bool ready() const noexcept {
    return database.reachable && database.schema_current && disk && serving;
  }
};
/// A small JSON object of fixed strings.
std::string to_json(const ReadinessReport& report);

/// Thread-safe.
class Readiness {
 public:
  using Clock = std::chrono::steady_clock;

  /// Checks for the first time. `store` and `disk` must outlive this.
  Readiness(storage::Store& store, const Disk& disk,
            std::function<Clock::time_point()> now = Clock::now);

  /// At most a second old, and made by one caller at a time, so that asking often costs the
  /// database nothing. While a check hangs, others are told what the last one found, and after five
  /// seconds that the database can't be reached.
  ReadinessReport report();

  /// From now on the gateway isn't ready, because it is about to stop.
  void leave() noexcept { leaving_ = true; }
  /// From now on requests that arrive are turned away, those at hand are not.
  void drain() noexcept { draining_since_ = now_(); }
  bool turns_away(Clock::time_point arrival) const noexcept {
    return arrival > draining_since_.load();
  }

 private:
  struct Findings {
    storage::Condition database;
    bool disk = false;
  };
  Findings findings();
  Findings look() noexcept;

  storage::Store& store_;
  const Disk& disk_;
  const std::function<Clock::time_point()> now_;
  std::atomic<bool> leaving_ = false;
  std::atomic<Clock::time_point> draining_since_ = Clock::time_point::max();

  std::mutex mutex_;  // for all below
  bool looking_ = false;
  Findings found_;
  Clock::time_point looked_;
};

}  // namespace letterbox::gateway
