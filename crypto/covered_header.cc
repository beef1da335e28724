// The second half of crypto/header.h: the header follows from key and cover.
#include <algorithm>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/header.h"
#include "crypto/kdf.h"
#include "crypto/stanza.h"
#include "crypto/x25519.h"

namespace letterbox::crypto {

namespace {

// docs/format.md: the salt is fixed in length, so no two (cover, recipient) pairs share one.
Secret<32> ephemeral_secret(const FileKey& file_key, const CoverHash& cover,
                            const X25519Recipient& recipient) {
  std::array<Byte, sizeof(CoverHash) + sizeof(X25519Recipient::Point)> salt;
  const auto behind = std::copy(cover.begin(), cover.end(), salt.begin());
  std::copy(recipient.point().begin(), recipient.point().end(), behind);
  return hkdf_sha256(file_key.reveal(), salt, "letterbox/v1/ephemeral");
}

}  // namespace

Bytes seal_header(const FileKey& file_key, const CoverHash& cover,
                  std::span<const X25519Recipient> recipients) {
  if (recipients.empty())
    throw Error(ErrorCode::kNoRecipient, "a header needs at least one recipient");
  std::vector<Stanza> stanzas;
  stanzas.reserve(1 + recipients.size());
  stanzas.push_back({{std::string(kCoverStanzaType), base64_encode(cover, Padding::kNone)}, {}});
  for (const X25519Recipient& recipient : recipients)
    stanzas.push_back(recipient.wrap(file_key, ephemeral_secret(file_key, cover, recipient)));
  Bytes header = format_header(file_key, stanzas);
  if (header.size() > kMaxHeaderSize)
    throw Error(ErrorCode::kTooLarge, std::to_string(recipients.size()) +
                                          " recipients make a header larger than " +
                                          std::to_string(kMaxHeaderSize) + " bytes");
  return header;
}

void verify_header(const Header& header, const FileKey& file_key, const CoverHash& cover,
                   std::span<const X25519Recipient> recipients) {
  // Nothing here is secret from who holds the file key, so the comparison needs no constant time.
  if (header.bytes != seal_header(file_key, cover, recipients))
    throw Error(ErrorCode::kIntegrity,
                "the header isn't the one that file key and cover give: a stanza was added, "
                "replaced or moved, or the cover is another");
}

std::optional<CoverHash> named_cover(const Header& header) {
  const Stanza& stanza = header.stanzas.front();
  if (stanza.arguments.size() != 2 || stanza.arguments[0] != kCoverStanzaType ||
      !stanza.body.empty()) {
    return std::nullopt;
  }
  const auto decoded = base64_decode(stanza.arguments[1], Padding::kNone);
  CoverHash cover;
  if (!decoded || decoded->size() != cover.size()) return std::nullopt;
  std::copy(decoded->begin(), decoded->end(), cover.begin());
  return cover;
}

void screen_header(const Header& header, const CoverHash& cover, std::size_t recipient_count) {
  if (named_cover(header) != cover)
    throw Error(ErrorCode::kCoverMismatch,
                "the header's first stanza doesn't name the delivery's cover");
  if (header.stanzas.size() != 1 + recipient_count)
    throw Error(ErrorCode::kCoverMismatch, "the header has " +
                                               std::to_string(header.stanzas.size() - 1) +
                                               " stanzas behind that of the cover, which lists " +
                                               std::to_string(recipient_count) + " recipients");
  for (const Stanza& stanza : std::span(header.stanzas).subspan(1)) {
    const auto share = x25519_share(stanza);
    if (!share)
      throw Error(ErrorCode::kCoverMismatch, "the header has a stanza of another type than X25519");
    if (is_low_order(*share))
      throw Error(ErrorCode::kMalformed, "age stanza: the X25519 share is a point of low order");
  }
}

}  // namespace letterbox::crypto
