#include "records/receipt.h"

#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the receipt";

}  // namespace

Envelope sign_receipt(const Receipt& receipt, const crypto::SigningKey& key) {
  OrderedJson json;
  json["delivery"] = receipt.delivery.text();
  json["manifest"] = to_base64(receipt.manifest);
  json["recipient"] = receipt.recipient.text();
  json["opened"] = to_text(receipt.opened);
  return sign(kReceiptType, as_bytes(to_text(json)), key);
}

Receipt verify_receipt(const Envelope& envelope, const crypto::VerifyKey& key) {
  return parse_receipt(verify(envelope, kReceiptType, key));
}

Receipt parse_receipt(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members members(json, kWhat, {"delivery", "manifest", "recipient", "opened"});
  return {.delivery = members.parsed("delivery", Uuid::parse),
          .manifest = members.parsed("manifest", array_from_base64<32>),
          .recipient = members.parsed("recipient", crypto::X25519Recipient::parse),
          .opened = members.parsed("opened", parse_time)};
}

}  // namespace letterbox::records
