#include "records/revocation.h"

#include "base/error.h"
#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the revocation";

std::optional<RevokedBy> parse_revoked_by(std::string_view text) {
  for (const RevokedBy revoked_by : {RevokedBy::kDevice, RevokedBy::kGateway}) {
    if (text == to_text(revoked_by)) return revoked_by;
  }
  return std::nullopt;
}

Revocation parse_revocation(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members members(json, kWhat, {"device", "revoked_by", "signing_key", "created"});
  return {.device = members.parsed("device", array_from_base64<32>),
          .revoked_by = members.parsed("revoked_by", parse_revoked_by),
          .signing_key = members.parsed("signing_key", crypto::VerifyKey::parse),
          .created = members.parsed("created", parse_time)};
}

}  // namespace

std::string_view to_text(RevokedBy revoked_by) noexcept {
  switch (revoked_by) {
    case RevokedBy::kDevice:
      return "device";
    case RevokedBy::kGateway:
      return "gateway";
  }
  return "";
}

Envelope sign_revocation(const Revocation& revocation, const crypto::SigningKey& key) {
  if (revocation.signing_key != key.verify_key()) {
    throw Error(ErrorCode::kInternal, "a revocation is signed by the key that it names");
  }
  OrderedJson json;
  json["device"] = to_base64(revocation.device);
  json["revoked_by"] = to_text(revocation.revoked_by);
  json["signing_key"] = revocation.signing_key.text();
  json["created"] = to_text(revocation.created);
  return sign(kRevocationType, as_bytes(to_text(json)), key);
}

Revocation verify_revocation(const Envelope& envelope) {
  const Revocation revocation = parse_revocation(envelope.payload);
  verify(envelope, kRevocationType, revocation.signing_key);
  return revocation;
}

}  // namespace letterbox::records
