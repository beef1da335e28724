#pragma once

#include <cstdint>

#include "base/uuid.h"
#include "storage/blob_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

/// BlobStore::read_files.
FilePage read_file_page(Pool& pool, TenantId tenant, const Uuid& delivery, const Uuid& after,
                        std::uint64_t up_to);

}  // namespace letterbox::storage
