// What both stores refuse of a tenant's limits, because no caller should bring it.
#pragma once

#include "base/error.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Throws Error kInternal if a life or a number of downloads is 0 or less.
inline void require_sound(const TenantLimits& limits) {
  const auto is_nothing = [](const std::optional<std::chrono::days>& life) {
    return life && life->count() <= 0;
  };
  if (is_nothing(limits.default_life) || is_nothing(limits.longest_life) ||
      limits.default_downloads == 0u || limits.most_downloads == 0u) {
    throw Error(ErrorCode::kInternal, "a limit that lets nothing through");
  }
}

}  // namespace letterbox::storage
