// How a payload is cut into rows, as far as storage minds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "storage/blob_store.h"

namespace letterbox::storage {

/// 16 STREAM chunks. It is crypto::kRowSize, said again because storage doesn't see crypto; a test
/// holds the two together.
inline constexpr std::size_t kFullRow = 16 * std::size_t{64 * 1024 + 16};
/// A payload begins with its nonce, which isn't in a row.
inline constexpr std::size_t kNonceSize = 16;

/// So many rows of a file may be staged before they take up their tenant's room: so what comes at
/// the same time exceeds a quota by no more than that each, until it is refused.
inline constexpr std::size_t kRowsUnreserved = 16;

/// Counts the rows of a payload in the making and refuses what can't be one.
class RowFraming {
 public:
  /// Throws Error kInternal if the row before was not full, or this one is no row.
  void add(const Ciphertext& row);
  /// Throws Error kInternal unless `file` is `id` and its payload is what was added.
  void require(const FileRecord& file, const Uuid& id) const;

  std::size_t rows() const noexcept { return rows_; }
  /// Of all rows, without the nonce.
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  bool ended_ = false;
};

/// Throws Error kInternal unless it has a recipient and expires after it was created.
void require_sound(const NewDelivery& delivery);

}  // namespace letterbox::storage
