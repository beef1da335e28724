// Sealed bytes that belong to no file: those of files that aren't whole yet, and what is left of
// revoked deliveries.
#pragma once

#include <vector>

#include "base/uuid.h"
#include "storage/pool.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Drops these payloads if they are still staged by `instance`; nothing of them, or all. Doesn't
/// wait for the disk, nor for a database that is away: what is left is swept. Throws Error
/// kUnavailable.
void drop_staged(Pool& pool, TenantId tenant, const Uuid& instance,
                 const std::vector<Uuid>& payloads);

}  // namespace letterbox::storage
