// A file on its way out: sealed while the upload pulls it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/uuid.h"
#include "records/cover.h"
#include "records/manifest.h"

namespace letterbox::client {

/// The age file of `plaintext` under `cover`: header, nonce, chunks. The file key is drawn here and
/// dies with this.
class SealedUpload final : public Source {
 public:
  /// `plaintext` must outlive this.
  SealedUpload(const Uuid& file, const records::SignedCover& cover, Source& plaintext);
  ~SealedUpload() override;
  SealedUpload(const SealedUpload&) = delete;
  SealedUpload& operator=(const SealedUpload&) = delete;

  /// Length of the age file for so much plaintext.
  std::uint64_t total_size(std::uint64_t plaintext) const;
  ByteView next() override;
  /// What the manifest says of the file. To be called once, after the end.
  records::ManifestEntry entry();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterbox::client
