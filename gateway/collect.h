// A letter out of the box: ciphertext as it lies on the shelf, and never anything else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// A stored file as its recipient gets it: header, nonce, chunks.
struct Letter {
  Uuid delivery;
  std::uint64_t length;
  /// Differs whenever a byte does: payload digest and cover version, quoted as RFC 9110 8.8.3
  /// wants.
  std::string etag;
  std::unique_ptr<Source> content;
};

/// Nothing if there is no such file to be had. Throws Error kUnavailable. `content` draws on
/// `shelf` and mustn't outlive it.
std::optional<Letter> collect(storage::Store& shelf, storage::TenantId tenant, const Uuid& id);

}  // namespace letterbox::gateway
