#include "records/deletion_receipt.h"

#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the deletion receipt";

// The only store that a gateway can speak for. Another word would be another claim.
constexpr std::string_view kStore = "live";

void check(const DeletionReceipt& receipt) {
  if (receipt.backups_lapse && *receipt.backups_lapse < receipt.deleted)
    refuse(kWhat, "says that backups lapse before the deletion");
}

DeletionReceipt parse_deletion_receipt(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members members(json, kWhat, {"delivery", "cover", "deleted", "store", "backups_lapse"});
  if (members.text("store") != kStore) refuse(kWhat, "names a store that isn't the live one");
  DeletionReceipt receipt{.delivery = members.parsed("delivery", Uuid::parse),
                          .cover = members.parsed("cover", array_from_base64<32>),
                          .deleted = members.parsed("deleted", parse_time),
                          .backups_lapse = members.parsed_or_null("backups_lapse", parse_time)};
  check(receipt);
  return receipt;
}

}  // namespace

Envelope sign_deletion_receipt(const DeletionReceipt& receipt, const crypto::SigningKey& gateway) {
  check(receipt);
  OrderedJson json;
  json["delivery"] = receipt.delivery.text();
  json["cover"] = to_base64(receipt.cover);
  json["deleted"] = to_text(receipt.deleted);
  json["store"] = kStore;
  json["backups_lapse"] =
      receipt.backups_lapse ? OrderedJson(to_text(*receipt.backups_lapse)) : OrderedJson();
  return sign(kDeletionReceiptType, as_bytes(to_text(json)), gateway);
}

DeletionReceipt verify_deletion_receipt(const Envelope& envelope,
                                        const crypto::VerifyKey& gateway) {
  return parse_deletion_receipt(verify(envelope, kDeletionReceiptType, gateway));
}

}  // namespace letterbox::records
