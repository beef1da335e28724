// What is over, in all tenants, found and taken away by any number of gateways.
#pragma once

#include "storage/pool.h"

namespace letterbox::storage {

/// As Store::sweep_lapsed.
Lapsed sweep_lapsed(Pool& pool, std::chrono::sys_seconds now, std::size_t limit);

}  // namespace letterbox::storage
