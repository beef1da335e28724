#include "records/dsse.h"

#include <algorithm>

#include "base/error.h"
#include "crypto/hash.h"
#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the DSSE envelope";
constexpr std::size_t kFingerprintSize = 64;

// Pre-authentication encoding (DSSE protocol.md):
//   "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload, lengths in decimal ASCII.
// It binds the type, so that bytes signed as one kind of record never pass for another.
Bytes pre_authentication_encoding(std::string_view payload_type, ByteView payload) {
  const std::string start = "DSSEv1 " + std::to_string(payload_type.size()) + ' ' +
                            std::string(payload_type) + ' ' + std::to_string(payload.size()) + ' ';
  Bytes encoding(start.begin(), start.end());
  encoding.insert(encoding.end(), payload.begin(), payload.end());
  return encoding;
}

std::optional<std::string> parse_payload_type(std::string_view text) {
  const bool ok = !text.empty() && text.size() <= kMaxPayloadTypeSize &&
                  std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return ok ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<std::string> parse_key_id(std::string_view text) {
  const bool ok =
      text.size() == kFingerprintSize && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      });
  return ok ? std::optional(std::string(text)) : std::nullopt;
}

}  // namespace

Envelope sign(std::string_view payload_type, ByteView payload, const crypto::SigningKey& key) {
  if (!parse_payload_type(payload_type)) {
    throw Error(ErrorCode::kInternal, "a payload type that no reader takes was to be signed");
  }
  if (payload.size() > kMaxPayloadSize) {
    throw Error(ErrorCode::kTooLarge,
                "the record is larger than the " + std::to_string(kMaxPayloadSize) +
                    " bytes that an envelope holds; send fewer files at once");
  }
  return {.payload_type = std::string(payload_type),
          .payload = {payload.begin(), payload.end()},
          .key_id = key.verify_key().fingerprint(),
          .signature = key.sign(pre_authentication_encoding(payload_type, payload))};
}

const Bytes& verify(const Envelope& envelope, std::string_view payload_type,
                    const crypto::VerifyKey& key) {
  if (envelope.payload_type != payload_type) {
    throw Error(ErrorCode::kBadSignature,
                kWhat + " isn't one of type " + std::string(payload_type));
  }
  // The key id plays no part: it isn't authenticated, and which key must have signed is the
  // caller's knowledge.
  if (!key.verify(pre_authentication_encoding(payload_type, envelope.payload),
                  envelope.signature)) {
    throw Error(ErrorCode::kBadSignature, kWhat + " of type " + std::string(payload_type) +
                                              " isn't signed by the key " + key.fingerprint());
  }
  return envelope.payload;
}

Digest payload_hash(const Envelope& envelope) {
  return crypto::sha256(envelope.payload);
}

std::string to_json(const Envelope& envelope) {
  OrderedJson json;
  json["payload"] = to_base64(envelope.payload);
  json["payloadType"] = envelope.payload_type;
  json["signatures"] =
      OrderedJson::array({{{"keyid", envelope.key_id}, {"sig", to_base64(envelope.signature)}}});
  return to_text(json);
}

Envelope parse_envelope(std::string_view json) {
  if (json.size() > kMaxEnvelopeSize) refuse(kWhat, "is larger than 2 MiB");
  const Json parsed = parse_json(json, kWhat);
  const Members envelope(parsed, kWhat, {"payload", "payloadType", "signatures"});
  const auto& signatures = envelope.array("signatures");
  if (signatures.size() != 1) refuse(kWhat, "doesn't have exactly one signature");
  const Members signature(signatures.front(), kWhat + "'s signature", {"keyid", "sig"});
  return {.payload_type = envelope.parsed("payloadType", parse_payload_type),
          .payload = envelope.parsed("payload", bytes_from_base64),
          .key_id = signature.parsed("keyid", parse_key_id),
          .signature = signature.parsed("sig", array_from_base64<64>)};
}

}  // namespace letterbox::records
