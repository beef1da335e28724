// A letter out of the box: ciphertext as it lies on the shelf, and never anything else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

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

inline constexpr const char* kFilesMediaType = "application/vnd.letterbox.files";

/// Which of these files may leave. Whoever says so of a file has counted and recorded it.
using Admit = std::function<std::vector<bool>(std::span<const Uuid>)>;

/// Files of a closed delivery, one after the other in the order of their ids: those after `after`
/// (nil: from the first) whose payload is at most `up_to` bytes. For each that `admit` lets go: the
/// file's id (16 bytes), the length of what follows (8 bytes, the most significant first), and the
/// file as collect() has it. `admit` is asked before a byte leaves of those it is asked about, on
/// another thread for all but the first, and at most two pages of files (storage::FilePage) early.
/// Throws as collect(), and Error kNotFound if there is no such delivery.
std::unique_ptr<Source> collect_files(storage::Store& shelf, storage::TenantId tenant,
                                      const Uuid& delivery, const Uuid& after, std::uint64_t up_to,
                                      Admit admit);

}  // namespace letterbox::gateway
