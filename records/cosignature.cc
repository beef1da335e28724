#include "records/cosignature.h"

#include "base/error.h"
#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the cosignature";

Cosignature parse_cosignature(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members members(json, kWhat, {"device", "signing_key", "created"});
  return {.device = members.parsed("device", array_from_base64<32>),
          .signing_key = members.parsed("signing_key", crypto::VerifyKey::parse),
          .created = members.parsed("created", parse_time)};
}

}  // namespace

Envelope sign_cosignature(const Cosignature& cosignature, const crypto::SigningKey& key) {
  if (cosignature.signing_key != key.verify_key()) {
    throw Error(ErrorCode::kInternal, "a cosignature is signed by the key that it names");
  }
  OrderedJson json;
  json["device"] = to_base64(cosignature.device);
  json["signing_key"] = cosignature.signing_key.text();
  json["created"] = to_text(cosignature.created);
  return sign(kCosignatureType, as_bytes(to_text(json)), key);
}

Cosignature verify_cosignature(const Envelope& envelope) {
  const Cosignature cosignature = parse_cosignature(envelope.payload);
  verify(envelope, kCosignatureType, cosignature.signing_key);
  return cosignature;
}

}  // namespace letterbox::records
