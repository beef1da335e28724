// All headers of a delivery in one answer, for who shares it on or tries another version of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// As records/delivery_headers.h frames them: of each file, in the order of their ids.
struct DeliveryHeaders {
  std::uint64_t length;
  std::uint32_t version;  ///< of the cover that they are made for
  std::unique_ptr<Source> content;
};

/// Those of a closed delivery, under its current cover or a former one that is still kept; nothing
/// if that version isn't there. `content` draws on `shelf` and mustn't outlive it; it throws Error
/// kConflict if others come in their place meanwhile, so that no answer is of two versions.
std::optional<DeliveryHeaders> collect_headers(storage::Store& shelf, storage::TenantId tenant,
                                               const storage::Delivery& delivery,
                                               std::optional<std::uint32_t> version);

}  // namespace letterbox::gateway
