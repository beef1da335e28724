// How long to wait before somebody is told again.
#pragma once

#include <algorithm>
#include <chrono>

namespace letterbox::gateway {

/// After so many failures in a row before the last one: a second, then twice as long each time, and
/// a quarter of an hour at the most.
inline std::chrono::seconds pause_after(unsigned failures) noexcept {
  const std::chrono::seconds longest = std::chrono::minutes(15);
  return std::min(std::chrono::seconds(1U << std::min(failures, 16U)), longest);
}

}  // namespace letterbox::gateway
