// How long what is sent lives, how often it may be fetched, and what a sender may announce: as the
// gateway's configuration says unless a tenant's own limits do (letterboxd admin tenant limits).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "records/time.h"
#include "storage/delivery_store.h"
#include "storage/tenant_store.h"

namespace letterbox::gateway {

struct Allowance {
  std::chrono::days life{30};           ///< of a delivery whose sender doesn't say
  std::chrono::days longest_life{365};  ///< that a sender may ask for
  /// Of each file by each device, if the sender doesn't say.
  std::uint32_t downloads = storage::kUsualDownloads;
  std::uint32_t most_downloads = 1000;  ///< that a sender may ask for
  /// Bytes that one sender's uploads may come to which aren't complete.
  std::uint64_t most_unfinished = std::uint64_t{256} << 30;
};

/// A tenant's own, and `usual` where it has none. What is usual is never above the most, and nobody
/// may announce more than half of a quota. Throws Error kUnavailable.
Allowance allowance_of(storage::TenantStore& tenants, storage::TenantId tenant,
                       const Allowance& usual);

/// Throws Error kMalformed unless a delivery may live from `created` to `expires`.
void check_life(const Allowance& allowance, records::Time created, records::Time expires);

/// What the sender asks for, or else the usual. Throws Error kMalformed for none, or too many.
std::uint32_t granted_downloads(const Allowance& allowance, std::optional<std::uint64_t> asked);

}  // namespace letterbox::gateway
