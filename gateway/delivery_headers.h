// Where all files of a delivery begin, in one answer: for who shares it on, or tries another
// version of its headers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// One version of a closed delivery's headers, and what they come to.
struct HeadersVersion {
  std::uint32_t version;
  bool is_former;          ///< another one is current
  std::size_t recipients;  ///< of its cover
  std::size_t files;
  std::size_t indexes;
};

/// As records/delivery_headers.h frames them: header and nonce of each file and of its index, in
/// the order of the files' ids.
struct DeliveryHeaders {
  std::uint64_t length;
  std::uint32_t version;  ///< of the cover that the headers are made for
  std::unique_ptr<Source> content;
};

/// Those of a closed delivery; nothing if that version isn't kept any more. `content` draws on
/// `shelf` and mustn't outlive it; it throws Error kNotFound if that version is dropped meanwhile:
/// no answer is of two versions.
std::optional<DeliveryHeaders> collect_headers(storage::Store& shelf, storage::TenantId tenant,
                                               const Uuid& delivery, const HeadersVersion& of);

}  // namespace letterbox::gateway
