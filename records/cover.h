// The cover: what a delivery is and who it is for, agreed and signed before a byte is sealed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "crypto/header.h"
#include "crypto/recipient.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kCoverType = "application/vnd.letterbox.cover.v1+json";

/// Most recipient devices of one delivery.
inline constexpr std::size_t kMaxRecipients = 1000;

enum class SealedBy : std::uint8_t { kDevice, kGateway };
/// "device", "gateway".
std::string_view to_text(SealedBy sealed_by) noexcept;

struct CoverRecipient {
  Handle handle;
  crypto::X25519Recipient recipient;
  /// Position of the key in the directory log; nothing while there is no log.
  std::optional<std::uint64_t> log_index;
};

struct Cover {
  Uuid delivery;
  std::uint32_t version;  ///< 1, 2, 3 …
  /// Of the version before; nothing in version 1 and only there.
  std::optional<crypto::CoverHash> previous;
  std::array<Byte, 16> random;  ///< so that nobody can guess a cover from its hash
  Handle sender;
  SealedBy sealed_by;
  Time created;
  Time expires;  ///< later than created
  /// Their order is that of the header's stanzas. At least one; no age key twice.
  std::vector<CoverRecipient> recipients;

  std::vector<crypto::X25519Recipient> keys() const;
  bool lists(const crypto::X25519Recipient& key) const;
};

/// The JSON bytes of a cover. They are signed, hashed and kept verbatim from then on: parse them to
/// read, never to write them again.
Bytes cover_bytes(const Cover& cover);
/// Strict: these members and no others, none twice, each in its one form, the rules above. Throws
/// Error kMalformed.
Cover parse_cover(ByteView bytes);

crypto::CoverHash cover_hash(ByteView cover_bytes);

/// A cover together with the bytes that were signed.
struct SignedCover {
  Cover cover;
  crypto::CoverHash hash;
  Envelope envelope;
};

SignedCover sign_cover(const Cover& cover, const crypto::SigningKey& maker);
/// Throws Error kBadSignature or kMalformed.
SignedCover verify_cover(const Envelope& envelope, const crypto::VerifyKey& maker);

}  // namespace letterbox::records
