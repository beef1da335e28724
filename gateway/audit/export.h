// The audit trail, page by page, from storage to a destination.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "gateway/audit/destination.h"
#include "storage/audit_store.h"
#include "storage/tenant_store.h"

namespace letterbox::gateway::audit {

/// How far one tenant's trail is exported.
struct Progress {
  storage::Tenant tenant;
  std::optional<Uuid> last = {};  ///< the last record that a destination has; absent: none
  std::size_t records = 0;        ///< as many went there this time
};

/// Every tenant, each going on after that one of `after` which is in its trail, else from the
/// beginning. Throws Error kNotFound if one of `after` is in nobody's trail, kUsage if two are in
/// one.
std::vector<Progress> begin_after(storage::AuditStore& trail,
                                  const std::vector<storage::Tenant>& tenants,
                                  const std::vector<Uuid>& after);

/// At most so many records are in memory, and go into one delivery.
inline constexpr std::size_t kPage = 500;

/// Delivers what is in the trail behind `progress.last`, in its order. Each page counts, in
/// `progress`, when the destination has it, and then `delivered` is called. Throws what storage and
/// the destination throw. What comes in meanwhile may be left to the next time.
void export_trail(storage::AuditStore& trail, const Uuid& gateway, Destination& destination,
                  Progress& progress, const std::function<void()>& delivered);

}  // namespace letterbox::gateway::audit
