#include "records/device_record.h"

#include "base/error.h"
#include "records/json.h"

namespace letterbox::records {

namespace {

const std::string kWhat = "the device record";

void check(const DeviceRecord& record) {
  if (record.not_before && *record.not_before <= record.created) {
    refuse(kWhat, "begins before it was created");
  }
}

DeviceRecord parse_device_record(ByteView bytes) {
  const Json json = parse_json(as_text(bytes), kWhat);
  const Members record(json, kWhat,
                       {"handle", "recipient", "signing_key", "created", "not_before"});
  DeviceRecord device{.handle = record.parsed("handle", Handle::parse),
                      .recipient = record.parsed("recipient", crypto::X25519Recipient::parse),
                      .signing_key = record.parsed("signing_key", crypto::VerifyKey::parse),
                      .created = record.parsed("created", parse_time),
                      .not_before = record.parsed_or_null("not_before", parse_time)};
  check(device);
  return device;
}

}  // namespace

Envelope sign_device_record(const DeviceRecord& record, const crypto::SigningKey& key) {
  if (record.signing_key != key.verify_key()) {
    throw Error(ErrorCode::kInternal, "a device record is signed by the key that it names");
  }
  check(record);
  OrderedJson json;
  json["handle"] = record.handle.text();
  json["recipient"] = record.recipient.text();
  json["signing_key"] = record.signing_key.text();
  json["created"] = to_text(record.created);
  json["not_before"] = record.not_before ? OrderedJson(to_text(*record.not_before)) : OrderedJson();
  return sign(kDeviceRecordType, as_bytes(to_text(json)), key);
}

DeviceRecord verify_device_record(const Envelope& envelope) {
  // It has to be read before it can be verified, because it names its own key.
  DeviceRecord record = parse_device_record(envelope.payload);
  verify(envelope, kDeviceRecordType, record.signing_key);
  return record;
}

}  // namespace letterbox::records
