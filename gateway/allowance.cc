#include "gateway/allowance.h"

#include <algorithm>

#include "base/error.h"

namespace letterbox::gateway {

Allowance allowance_of(storage::TenantStore& tenants, storage::TenantId tenant,
                       const Allowance& usual) {
  const storage::TenantLimits own = tenants.limits(tenant);
  Allowance allowance{own.default_life.value_or(usual.life),
                      own.longest_life.value_or(usual.longest_life),
                      own.default_downloads.value_or(usual.downloads),
                      own.most_downloads.value_or(usual.most_downloads), usual.most_unfinished};
  // An upload takes up its room for a day from when it is announced, and costs nothing.
  if (own.quota) allowance.most_unfinished = std::min(allowance.most_unfinished, *own.quota / 2);
  allowance.life = std::min(allowance.life, allowance.longest_life);
  allowance.downloads = std::min(allowance.downloads, allowance.most_downloads);
  return allowance;
}

void check_life(const Allowance& allowance, records::Time created, records::Time expires) {
  if (expires <= created || expires > created + allowance.longest_life) {
    throw Error(ErrorCode::kMalformed, "a delivery expires after it was made, and in time");
  }
}

std::uint32_t granted_downloads(const Allowance& allowance, std::optional<std::uint64_t> asked) {
  if (!asked) return allowance.downloads;
  if (*asked == 0 || *asked > allowance.most_downloads) {
    throw Error(ErrorCode::kMalformed, "a number of downloads that nobody may ask for");
  }
  return static_cast<std::uint32_t>(*asked);
}

}  // namespace letterbox::gateway
