#include "records/device_record.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

DeviceRecord record_for(const crypto::SigningKey& key) {
  return {.handle = handle("ada@clinic.example"),
          .recipient = crypto::X25519Identity::generate().recipient(),
          .signing_key = key.verify_key(),
          .created = time_of("2026-11-23T17:30:00Z")};
}

Envelope signed_text(std::string_view text, const crypto::SigningKey& key = signing_key()) {
  return sign(kDeviceRecordType, as_bytes(text), key);
}

TEST(DeviceRecordTest, ReadsBackWhatItSigned) {
  const DeviceRecord record = record_for(signing_key());
  const DeviceRecord read =
      verify_device_record(parse_envelope(to_json(sign_device_record(record, signing_key()))));
  EXPECT_EQ(read.handle, record.handle);
  EXPECT_EQ(read.recipient, record.recipient);
  EXPECT_EQ(read.signing_key, record.signing_key);
  EXPECT_EQ(read.created, record.created);
  EXPECT_EQ(read.not_before, std::nullopt);
}

TEST(DeviceRecordTest, ThatOfAReplacementSaysWhenItBegins) {
  DeviceRecord record = record_for(signing_key());
  record.not_before = record.created + kReplacementWait;
  const Envelope envelope = sign_device_record(record, signing_key());
  EXPECT_NE(text_of(envelope).find("\"not_before\":\"2026-11-24T17:30:00Z\""), std::string::npos);
  EXPECT_EQ(verify_device_record(envelope).not_before, record.not_before);
}

TEST(DeviceRecordTest, DoesNotBeginBeforeItWasCreated) {
  DeviceRecord record = record_for(signing_key());
  record.not_before = record.created;
  EXPECT_EQ(thrown_by([&] { sign_device_record(record, signing_key()); }), ErrorCode::kMalformed);

  const std::string text = text_of(sign_device_record(record_for(signing_key()), signing_key()));
  const std::string early =
      with(text, "\"not_before\":null", "\"not_before\":\"2026-11-23T17:30:00Z\"");
  EXPECT_EQ(thrown_by([&] { verify_device_record(signed_text(early)); }), ErrorCode::kMalformed);
}

TEST(DeviceRecordTest, IsSignedByTheKeyThatItNames) {
  const DeviceRecord record = record_for(signing_key(1));
  EXPECT_EQ(thrown_by([&] { sign_device_record(record, signing_key(2)); }), ErrorCode::kInternal);

  const std::string text = text_of(sign_device_record(record, signing_key(1)));
  EXPECT_EQ(thrown_by([&] { verify_device_record(signed_text(text, signing_key(2))); }),
            ErrorCode::kBadSignature);
}

TEST(DeviceRecordTest, RefusesAnEnvelopeOfAnotherType) {
  const std::string text = text_of(sign_device_record(record_for(signing_key()), signing_key()));
  const Envelope other = sign("application/other", as_bytes(text), signing_key());
  EXPECT_EQ(thrown_by([&] { verify_device_record(other); }), ErrorCode::kBadSignature);
}

TEST(DeviceRecordTest, RefusesEveryOtherForm) {
  const std::string text = text_of(sign_device_record(record_for(signing_key()), signing_key()));
  EXPECT_NO_THROW(verify_device_record(signed_text(text)));
  const auto expect_refused = [](const std::string& changed) {
    EXPECT_EQ(thrown_by([&] { verify_device_record(signed_text(changed)); }), ErrorCode::kMalformed)
        << changed;
  };
  expect_refused("");
  expect_refused("{}");
  expect_refused(text + " {}");
  expect_refused(with(text, "ada@", "Ada@"));
  expect_refused(with(text, "\"age1", "\"AGE1"));
  expect_refused(with(text, "17:30:00Z", "17:30:00+00:00"));
  expect_refused(with(text, "=\"", "\""));
  expect_refused(with(text, "{", "{\"tenant\":\"x\","));
  expect_refused(with(text, "{", "{\"created\":\"2026-11-23T17:30:00Z\","));
  expect_refused(with(text, ",\"created\":\"2026-11-23T17:30:00Z\"", ""));
  expect_refused(with(text, ",\"not_before\":null", ""));
  expect_refused(with(text, "\"not_before\":null", "\"not_before\":\"\""));
  expect_refused(with(text, "\"not_before\":null", "\"not_before\":0"));
}

}  // namespace
}  // namespace letterbox::records
