#include "records/cosignature.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

Cosignature cosignature_by(const crypto::SigningKey& key) {
  return {.device = {1, 2, 3},
          .signing_key = key.verify_key(),
          .created = time_of("2026-11-23T17:30:00Z")};
}

Envelope signed_text(std::string_view text, const crypto::SigningKey& key = signing_key()) {
  return sign(kCosignatureType, as_bytes(text), key);
}

TEST(CosignatureTest, ReadsBackWhatItSigned) {
  const Cosignature cosignature = cosignature_by(signing_key());
  const Cosignature read =
      verify_cosignature(parse_envelope(to_json(sign_cosignature(cosignature, signing_key()))));
  EXPECT_EQ(read.device, cosignature.device);
  EXPECT_EQ(read.signing_key, cosignature.signing_key);
  EXPECT_EQ(read.created, cosignature.created);
}

TEST(CosignatureTest, IsSignedByTheKeyThatItNames) {
  const Cosignature cosignature = cosignature_by(signing_key(1));
  EXPECT_EQ(thrown_by([&] { sign_cosignature(cosignature, signing_key(2)); }),
            ErrorCode::kInternal);
  const std::string text = text_of(sign_cosignature(cosignature, signing_key(1)));
  EXPECT_EQ(thrown_by([&] { verify_cosignature(signed_text(text, signing_key(2))); }),
            ErrorCode::kBadSignature);
}

TEST(CosignatureTest, RefusesAnEnvelopeOfAnotherType) {
  const std::string text = text_of(sign_cosignature(cosignature_by(signing_key()), signing_key()));
  const Envelope other = sign("application/other", as_bytes(text), signing_key());
  EXPECT_EQ(thrown_by([&] { verify_cosignature(other); }), ErrorCode::kBadSignature);
}

TEST(CosignatureTest, RefusesEveryOtherForm) {
  const std::string text = text_of(sign_cosignature(cosignature_by(signing_key()), signing_key()));
  EXPECT_NO_THROW(verify_cosignature(signed_text(text)));
  const auto expect_refused = [](const std::string& changed) {
    EXPECT_EQ(thrown_by([&] { verify_cosignature(signed_text(changed)); }), ErrorCode::kMalformed)
        << changed;
  };
  expect_refused("");
  expect_refused("{}");
  expect_refused(text + " {}");
  expect_refused(with(text, "\"device\":\"AQID", "\"device\":\"AQIDAAAA"));
  expect_refused(with(text, "=\"", "\""));
  expect_refused(with(text, "17:30:00Z", "17:30:00+00:00"));
  expect_refused(with(text, "{", "{\"handle\":\"ada@clinic.example\","));
  expect_refused(with(text, "{", "{\"created\":\"2026-11-23T17:30:00Z\","));
  expect_refused(with(text, ",\"created\":\"2026-11-23T17:30:00Z\"", ""));
}

}  // namespace
}  // namespace letterbox::records
