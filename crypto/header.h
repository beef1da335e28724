// The age header: its grammar, its MAC, and the one header that a file key and a cover allow.
//
// https://age-encryption.org/v1, "Header". The second half is Letterbox's own rule, docs/format.md
// "The header follows from key and cover".
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/recipient.h"

namespace letterbox::crypto {

/// Largest header that we read. 1,000 X25519 stanzas take about 110 KiB.
inline constexpr std::size_t kMaxHeaderSize = std::size_t{256} * 1024;

/// A header that follows age's grammar. That says nothing yet about who made it: see `verify_mac`.
struct Header {
  std::vector<Stanza> stanzas;
  /// What the MAC covers: everything up to and including "---".
  Bytes authenticated;
  std::array<Byte, 32> mac;
  /// The header's bytes as they were read; parsing is strict, so no other bytes parse to this.
  Bytes bytes;
};

/// Reads a header from the start of `source`. `rest` receives what was pulled beyond it: the first
/// payload bytes. Throws Error kMalformed (with the line's number) or kTooLarge.
Header read_header(Source& source, Bytes& rest);

/// Parses `bytes`, which must hold a header and nothing else. Throws as read_header.
Header parse_header(ByteView bytes);

/// The bytes of a header of these stanzas, in this order, under this file key's MAC.
Bytes format_header(const FileKey& file_key, std::span<const Stanza> stanzas);

/// Throws Error kIntegrity unless the header's MAC is that of `file_key`. Constant time.
void verify_mac(const Header& header, const FileKey& file_key);

/// The file key, unwrapped by the first identity that fits and authenticated by the header's MAC.
/// Throws Error kNoKeyFits, kMalformed (a stanza of a known type outside its format), kIntegrity.
FileKey unwrap(const Header& header, std::span<const X25519Identity> identities);

/// The same with a passphrase. A scrypt stanza must stand alone in its header (kMalformed, here as
/// above). Throws Error kWrongPassphrase when it doesn't fit, kTooLarge for a work factor over the
/// limit, kNoKeyFits when the file wasn't sealed with a passphrase at all.
FileKey unwrap(const Header& header, const SecretBytes& passphrase,
               unsigned max_work_factor = kMaxScryptWorkFactor);

// --- The header follows from key and cover ------------------------------------------------------

/// SHA-256 of a cover's bytes, as they were signed (records/cover.h).
using CoverHash = Digest;

/// The type of the stanza that names the cover; its one argument is the unpadded base64 of a
/// CoverHash and its body is empty.
inline constexpr std::string_view kCoverStanzaType = "letterbox/cover/v1";

/// How long the header for so many recipients is: 98 bytes for each, and 137.
constexpr std::size_t header_size(std::size_t recipients) {
  return 137 + 98 * recipients;
}

/// The header: the cover stanza, then one X25519 stanza for each recipient in the cover's order.
/// Each ephemeral secret is HKDF-SHA-256(ikm = file key, salt = cover hash || recipient, info =
/// "letterbox/v1/ephemeral"). Equal arguments give equal bytes.
Bytes seal_header(const FileKey& file_key, const CoverHash& cover,
                  std::span<const X25519Recipient> recipients);

/// What every reader does after unwrapping: builds the header anew and compares each byte, so that
/// a stanza too many, of another type, or for another key than the cover lists can't hide. Throws
/// Error kIntegrity unless equal.
void verify_header(const Header& header, const FileKey& file_key, const CoverHash& cover,
                   std::span<const X25519Recipient> recipients);

/// The cover that a header names, if its first stanza is a well-formed cover stanza.
std::optional<CoverHash> named_cover(const Header& header);

/// What somebody without the file key can check of a header: first the cover stanza for `cover`,
/// then exactly `recipient_count` well-formed X25519 stanzas, nothing else. It can't see for whom
/// they are (readers can: verify_header). Throws Error kCoverMismatch or kMalformed.
void screen_header(const Header& header, const CoverHash& cover, std::size_t recipient_count);

}  // namespace letterbox::crypto
