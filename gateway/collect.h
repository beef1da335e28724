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

/// The payload of `file`, nonce and chunks, from byte `first` on: it never changes. As collect().
std::unique_ptr<Source> collect_payload(storage::Store& shelf, storage::TenantId tenant,
                                        const storage::FileRecord& file, std::uint64_t first);

/// All indexes of a closed delivery, one after the other in the order of their files' ids.
struct Indexes {
  std::uint64_t length;
  /// For each: the file's id (16 bytes), the length of what follows (4 bytes, the most significant
  /// first), and the index, an age file.
  std::unique_ptr<Source> content;
};

inline constexpr const char* kIndexesMediaType = "application/vnd.letterbox.indexes";

/// Nothing if there is no such delivery. As collect().
std::optional<Indexes> collect_indexes(storage::Store& shelf, storage::TenantId tenant,
                                       const Uuid& delivery);

}  // namespace letterbox::gateway
