// What a reader verifies of a file before it shows anything: steps 6 to 11 of docs/format.md,
// "Reading". The one place for it, used by list, get and open.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "client/refused.h"
#include "client/verified_delivery.h"
#include "crypto/header.h"
#include "crypto/recipient.h"
#include "crypto/stream.h"
#include "records/manifest.h"

namespace letterbox::client {

/// What a manifest lists: its `files`, or its `indexes`.
using ManifestEntries = std::vector<records::ManifestEntry>;

/// The entry of a file. Throws Refused if there is none.
const records::ManifestEntry& entry_of(const ManifestEntries& entries, const Uuid& file);

/// How many bytes of plaintext make an entry's length.
std::uint64_t plaintext_size(const records::ManifestEntry& entry) noexcept;

/// crypto::read_header. Throws Refused, and what `age_file` throws.
crypto::Header read_age_header(Source& age_file, Bytes& rest);

/// The file key that a header holds for one of our identities, which the cover lists, once the
/// header proved to be the one that follows from key and cover. Throws Refused.
crypto::FileKey verified_file_key(const crypto::Header& header,
                                  std::span<const crypto::X25519Identity> identities,
                                  const VerifiedCover& cover);

/// Whether what was refused is a header, or one that isn't this payload's: then a version before
/// may have had a good one.
bool is_about_header(const Refused& refusal);

/// The plaintext of a file sealed under a cover. Its end, an empty piece and not a throw, is the
/// proof that everything was as cover and manifest say; release nothing before.
class OpenedFile final : public Source {
 public:
  /// Reads the header from `age_file`, unwraps the file key and rebuilds the header. The payload is
  /// held against the entry of `file` in `entries`. Where `file` is null (a local file whose id
  /// isn't known) any entry will do; where `entries` is null, too, nothing is compared. Everything
  /// that is pointed to must outlive this. Throws Refused, and what `age_file` throws.
  OpenedFile(Source& age_file, std::span<const crypto::X25519Identity> identities,
             const VerifiedCover& cover, const ManifestEntries* entries, const Uuid* file);
  ~OpenedFile() override;
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

  /// Throws Refused, and what `age_file` throws.
  ByteView next() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The file key of a file that has no cover, as `unwrap` gets it. Throws Refused.
crypto::FileKey uncovered_file_key(const std::function<crypto::FileKey()>& unwrap);

/// The plaintext of a file that has no cover: age's own checks, and nobody to say who sealed it.
/// Its end proves that it is whole.
class UncoveredFile final : public Source {
 public:
  /// `payload`, nonce and chunks, must outlive this. Throws Refused, and what `payload` throws.
  UncoveredFile(const crypto::FileKey& file_key, Source& payload);
  ByteView next() override;

 private:
  std::unique_ptr<crypto::Opener> opener_;
};

}  // namespace letterbox::client
