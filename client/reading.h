// What a reader verifies before it shows anything: docs/format.md, "Reading". The one place for it,
// used by list, get and open.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "crypto/header.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "crypto/stream.h"
#include "records/cover.h"
#include "records/device_record.h"
#include "records/manifest.h"

namespace letterbox::client {

/// The keys whose signatures this device believes.
struct TrustedKeys {
  /// May sign covers of what the gateway sealed, and nothing else.
  std::optional<crypto::VerifyKey> gateway;
  /// May sign covers of what they send. This device itself is one of them.
  std::vector<records::DeviceRecord> devices;
  /// Were trusted until they were revoked. What they signed before is still to be read, and only
  /// the gateway, which takes nothing from them since, knows what that is; so readers are told.
  std::vector<records::DeviceRecord> revoked = {};
};

/// A check that failed, by name: nothing is shown and nothing is kept.
class Refused : public Error {
 public:
  Refused(const char* check, ErrorCode code, const std::string& detail);
  const char* check() const noexcept { return check_; }

 private:
  const char* check_;
};

namespace checks {
inline constexpr const char* kCoverSigner = "cover signer";
inline constexpr const char* kCoverSignature = "cover signature";
inline constexpr const char* kCoverVersions = "cover versions";
inline constexpr const char* kCoverDelivery = "cover of this delivery";
inline constexpr const char* kCoverListsUs = "cover lists this device";
inline constexpr const char* kManifestSignature = "manifest signature";
inline constexpr const char* kManifestDelivery = "manifest of this delivery";
inline constexpr const char* kManifestCover = "manifest names the cover";
inline constexpr const char* kManifestFile = "manifest lists the file";
inline constexpr const char* kHeaderFormat = "header format";
inline constexpr const char* kHeaderCover = "header names the cover";
inline constexpr const char* kFileKey = "file key";
inline constexpr const char* kHeaderRebuilt = "header rebuilt from file key and cover";
inline constexpr const char* kPayloadNonce = "payload nonce";
inline constexpr const char* kPayload = "payload chunks";
inline constexpr const char* kPayloadLength = "payload length";
inline constexpr const char* kPayloadDigest = "payload digest";
inline constexpr const char* kIndexes = "indexes that the manifest lists";
inline constexpr const char* kIndexFormat = "index format";
}  // namespace checks

/// A cover whose signature was verified against a key that may sign it. Only verify_cover makes
/// one.
class VerifiedCover {
 public:
  const records::Cover& cover() const noexcept { return signed_.cover; }
  const crypto::CoverHash& hash() const noexcept { return signed_.hash; }
  const records::Envelope& envelope() const noexcept { return signed_.envelope; }
  const crypto::VerifyKey& maker() const noexcept { return maker_; }
  bool maker_is_revoked() const noexcept { return maker_is_revoked_; }

 private:
  friend VerifiedCover verify_cover(const records::Envelope& envelope, const TrustedKeys& trusted);
  VerifiedCover(records::SignedCover signed_cover, const crypto::VerifyKey& maker,
                bool maker_is_revoked)
      : signed_(std::move(signed_cover)), maker_(maker), maker_is_revoked_(maker_is_revoked) {}

  records::SignedCover signed_;
  crypto::VerifyKey maker_;
  bool maker_is_revoked_;
};

/// Who sealed, for people: "their device", "the gateway".
std::string sealer_of(const VerifiedCover& cover);

/// Throws Refused: signer unknown or not entitled, bad signature, not a version that we follow.
VerifiedCover verify_cover(const records::Envelope& envelope, const TrustedKeys& trusted);

/// Throws Refused: not signed by the cover's maker, or about another cover or delivery.
records::Manifest verify_manifest(const records::Envelope& envelope, const VerifiedCover& cover);

/// A delivery as the gateway gives it out, before anything is verified.
struct UnverifiedDelivery {
  Uuid id;
  std::vector<records::Envelope> covers;
  records::Envelope manifest;
};

struct VerifiedDelivery {
  VerifiedCover cover;
  records::Manifest manifest;
  records::Envelope manifest_envelope;
};

/// Both, and that they are about the delivery that was asked for. Throws Refused.
VerifiedDelivery verify_delivery(const UnverifiedDelivery& delivery, const TrustedKeys& trusted);

/// Throws Refused (kNoKeyFits) unless the cover lists one of these recipients.
void check_listed(const VerifiedCover& cover, std::span<const crypto::X25519Recipient> ours);

/// What a manifest lists: its `files`, or its `indexes`.
using ManifestEntries = std::vector<records::ManifestEntry>;

/// The entry of a file. Throws Refused if there is none.
const records::ManifestEntry& entry_of(const ManifestEntries& entries, const Uuid& file);

/// How many bytes of plaintext make an entry's length.
std::uint64_t plaintext_size(const records::ManifestEntry& entry) noexcept;

/// crypto::read_header. Throws Refused, and what `age_file` throws.
crypto::Header read_age_header(Source& age_file, Bytes& rest);

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
