// Where all files of a delivery begin, in one answer: for who shares it on, or tries another
// version of its headers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// As records/delivery_headers.h frames them: header and nonce of each file and of its index, in
/// the order of the files' ids.
struct DeliveryHeaders {
  std::uint64_t length;
  std::uint32_t version;  ///< of the cover that the headers are made for
  std::unique_ptr<Source> content;
};

/// Those of a closed delivery, under its current cover or a former one that is still kept; nothing
/// if that version isn't there. `content` draws on `shelf` and mustn't outlive it; it throws Error
/// kNotFound if that version is dropped meanwhile: no answer is of two versions.
std::optional<DeliveryHeaders> collect_headers(storage::Store& shelf, storage::TenantId tenant,
                                               const storage::Delivery& delivery,
                                               std::optional<std::uint32_t> version);

}  // namespace letterbox::gateway
