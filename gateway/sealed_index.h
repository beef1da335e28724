// What a recipient will see of a file before fetching it, sealed beside it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/recipient.h"
#include "crypto/stream.h"
#include "dicom/inspector.h"
#include "records/index.h"
#include "storage/blob_store.h"

namespace letterbox::gateway {

/// A source that is counted as it passes.
class MeasuredSource final : public Source {
 public:
  /// `source` must outlive this.
  explicit MeasuredSource(Source& source) : source_(source) {}
  ByteView next() override;

  std::uint64_t size() const noexcept { return size_; }

 private:
  Source& source_;
  std::uint64_t size_ = 0;
};

/// What the inspector found in a file of `size` bytes, as the index has it.
records::Index index_of(const dicom::Finding& finding, std::uint64_t size);

/// What nonce and row of an index come to, as the manifest has it.
storage::IndexPayload index_payload(const crypto::PayloadNonce& nonce, Ciphertext row);
std::uint64_t length_of(const storage::IndexPayload& payload);

/// An index without its header, and the key that this follows from, with a cover.
struct KeyedIndex {
  crypto::FileKey key;
  storage::IndexPayload payload;
};

/// Seals the index of the file `id` under a fresh key of its own.
KeyedIndex seal_index(const records::Index& index, const Uuid& id);

}  // namespace letterbox::gateway
