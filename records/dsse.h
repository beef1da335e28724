// DSSE v1, the signed envelope that every record travels in.
// https://github.com/secure-systems-lab/dsse (protocol.md, envelope.md)
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/signing.h"

namespace letterbox::records {

/// Largest JSON envelope that is read, and the largest payload that is signed: it fits into one.
inline constexpr std::size_t kMaxEnvelopeSize = std::size_t{2} * 1024 * 1024;
inline constexpr std::size_t kMaxPayloadSize = 1'536'000;
/// A payload type is 1 to 255 visible ASCII characters.
inline constexpr std::size_t kMaxPayloadTypeSize = 255;

/// A payload, its type, and one signature: Letterbox records have a single maker. (A cosigned
/// device record is a record about a record, so this stays true.)
struct Envelope {
  std::string payload_type;
  Bytes payload;
  std::string key_id;  ///< a hint, unauthenticated: the maker's VerifyKey::fingerprint()
  crypto::Signature signature;
};

/// Throws Error kTooLarge above kMaxPayloadSize.
Envelope sign(std::string_view payload_type, ByteView payload, const crypto::SigningKey& key);

/// The payload, if `key` signed this envelope and it is of `payload_type`. Throws Error
/// kBadSignature otherwise. Nobody should look at `payload` before this.
const Bytes& verify(const Envelope& envelope, std::string_view payload_type,
                    const crypto::VerifyKey& key);

/// SHA-256 of the payload's bytes: how one record names another. It says nothing about who signed.
Digest payload_hash(const Envelope& envelope);

/// The JSON envelope: {"payload":…,"payloadType":…,"signatures":[{"keyid":…,"sig":…}]}, compact,
/// keys in this order, padded standard base64.
std::string to_json(const Envelope& envelope);
/// Strict: these members and no others, none twice, one signature, canonical base64, a key id of
/// 64 lowercase hex digits, at most kMaxEnvelopeSize bytes. White space between tokens is allowed.
/// Throws Error kMalformed.
Envelope parse_envelope(std::string_view json);

}  // namespace letterbox::records
