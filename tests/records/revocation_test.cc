#include "records/revocation.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

Revocation revocation_by(const crypto::SigningKey& key, RevokedBy by = RevokedBy::kDevice) {
  return {.device = {1, 2, 3},
          .revoked_by = by,
          .signing_key = key.verify_key(),
          .created = time_of("2026-11-23T17:30:00Z")};
}

Envelope signed_text(std::string_view text, const crypto::SigningKey& key = signing_key()) {
  return sign(kRevocationType, as_bytes(text), key);
}

TEST(RevocationTest, ReadsBackWhatItSigned) {
  for (const RevokedBy by : {RevokedBy::kDevice, RevokedBy::kGateway}) {
    const Revocation revocation = revocation_by(signing_key(), by);
    const Revocation read =
        verify_revocation(parse_envelope(to_json(sign_revocation(revocation, signing_key()))));
    EXPECT_EQ(read.device, revocation.device);
    EXPECT_EQ(read.revoked_by, by);
    EXPECT_EQ(read.signing_key, revocation.signing_key);
    EXPECT_EQ(read.created, revocation.created);
  }
}

TEST(RevocationTest, IsSignedByTheKeyThatItNames) {
  const Revocation revocation = revocation_by(signing_key(1));
  EXPECT_EQ(thrown_by([&] { sign_revocation(revocation, signing_key(2)); }), ErrorCode::kInternal);
  const std::string text = text_of(sign_revocation(revocation, signing_key(1)));
  EXPECT_EQ(thrown_by([&] { verify_revocation(signed_text(text, signing_key(2))); }),
            ErrorCode::kBadSignature);
}

TEST(RevocationTest, RefusesAnEnvelopeOfAnotherType) {
  const std::string text = text_of(sign_revocation(revocation_by(signing_key()), signing_key()));
  const Envelope other = sign("application/other", as_bytes(text), signing_key());
  EXPECT_EQ(thrown_by([&] { verify_revocation(other); }), ErrorCode::kBadSignature);
}

TEST(RevocationTest, RefusesEveryOtherForm) {
  const std::string text = text_of(sign_revocation(revocation_by(signing_key()), signing_key()));
  EXPECT_NO_THROW(verify_revocation(signed_text(text)));
  const auto expect_refused = [](const std::string& changed) {
    EXPECT_EQ(thrown_by([&] { verify_revocation(signed_text(changed)); }), ErrorCode::kMalformed)
        << changed;
  };
  expect_refused("");
  expect_refused("{}");
  expect_refused(text + " {}");
  expect_refused(with(text, "\"device\":\"AQID", "\"device\":\"AQIDAAAA"));
  expect_refused(with(text, ":\"device\"", ":\"Device\""));
  expect_refused(with(text, ":\"device\"", ":\"\""));
  expect_refused(with(text, ":\"device\"", ":null"));
  expect_refused(with(text, "=\"", "\""));
  expect_refused(with(text, "17:30:00Z", "17:30:00+00:00"));
  expect_refused(with(text, "{", "{\"reason\":\"lost\","));
  expect_refused(with(text, "{", "{\"created\":\"2026-11-23T17:30:00Z\","));
  expect_refused(with(text, ",\"created\":\"2026-11-23T17:30:00Z\"", ""));
}

}  // namespace
}  // namespace letterbox::records
