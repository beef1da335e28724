#include "records/dsse.h"

#include <gtest/gtest.h>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

constexpr std::string_view kType = "application/vnd.letterbox.test+json";

Envelope envelope_of(std::string_view payload = "hello") {
  return sign(kType, as_bytes(payload), signing_key());
}

TEST(DsseTest, VerifiesWhatItsKeySigned) {
  const Envelope envelope = envelope_of();
  EXPECT_EQ(as_text(verify(envelope, kType, signing_key().verify_key())), "hello");
}

TEST(DsseTest, KeyIdIsTheFingerprintAndPlaysNoPartInVerifying) {
  Envelope envelope = envelope_of();
  EXPECT_EQ(envelope.key_id, signing_key().verify_key().fingerprint());
  envelope.key_id = signing_key(2).verify_key().fingerprint();
  EXPECT_NO_THROW(verify(envelope, kType, signing_key().verify_key()));
}

TEST(DsseTest, RefusesEveryChange) {
  const auto key = signing_key().verify_key();
  const auto refusal = [&](const Envelope& envelope, std::string_view type = kType) {
    return thrown_by([&] { verify(envelope, type, key); });
  };

  Envelope other_payload = envelope_of();
  other_payload.payload.back() ^= 1;
  EXPECT_EQ(refusal(other_payload), ErrorCode::kBadSignature);

  Envelope other_signature = envelope_of();
  other_signature.signature[63] ^= 1;
  EXPECT_EQ(refusal(other_signature), ErrorCode::kBadSignature);

  EXPECT_EQ(thrown_by([&] { verify(envelope_of(), kType, signing_key(2).verify_key()); }),
            ErrorCode::kBadSignature);
}

TEST(DsseTest, RefusesARecordOfOneTypeAsOneOfAnother) {
  Envelope envelope = envelope_of();
  const auto key = signing_key().verify_key();
  EXPECT_EQ(thrown_by([&] { verify(envelope, "application/other", key); }),
            ErrorCode::kBadSignature);
  envelope.payload_type = "application/other";  // relabelled, to match what is expected
  EXPECT_EQ(thrown_by([&] { verify(envelope, "application/other", key); }),
            ErrorCode::kBadSignature);
  // Labelled otherwise than it was signed.
  EXPECT_EQ(thrown_by([&] { verify(envelope, kType, key); }), ErrorCode::kBadSignature);
}

TEST(DsseTest, WritesCompactJsonInAFixedOrder) {
  const Envelope envelope{
      .payload_type = "t", .payload = {'h', 'i'}, .key_id = std::string(64, 'a'), .signature = {}};
  EXPECT_EQ(to_json(envelope),
            "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[{\"keyid\":\"" +
                std::string(64, 'a') + "\",\"sig\":\"" + std::string(86, 'A') + "==\"}]}");
}

TEST(DsseTest, ReadsBackWhatItWrites) {
  const Envelope envelope = envelope_of();
  const Envelope read = parse_envelope(to_json(envelope));
  EXPECT_EQ(read.payload_type, envelope.payload_type);
  EXPECT_EQ(read.payload, envelope.payload);
  EXPECT_EQ(read.key_id, envelope.key_id);
  EXPECT_EQ(read.signature, envelope.signature);
}

TEST(DsseTest, AllowsWhiteSpaceBetweenTokensAndMembersInAnyOrder) {
  const std::string json = to_json(envelope_of());
  EXPECT_NO_THROW(parse_envelope(" \n" + with(with(json, ":", " :\t"), ",", " ,\r\n") + "\n"));
  const std::string payload = "\"payload\":\"aGVsbG8=\"";
  EXPECT_NO_THROW(parse_envelope(with(with(json, payload + ",", ""), "]}", "]," + payload + "}")));
}

TEST(DsseTest, RefusesJsonOutsideTheProfile) {
  const std::string json = to_json(envelope_of());
  const auto expect_refused = [](const std::string& text) {
    EXPECT_EQ(thrown_by([&] { parse_envelope(text); }), ErrorCode::kMalformed) << text;
  };
  for (const char* text : {"", " ", "{}", "[]", "null", "1", "\"\"", "{", "{\"payload\":\"\"}"}) {
    expect_refused(text);
  }
  // After it, before it, cut short.
  expect_refused(json + "x");
  expect_refused(json + json);
  expect_refused(json + std::string(1, '\0'));
  expect_refused(json + std::string(1, '\0') + "x");
  expect_refused("\xef\xbb\xbf" + json);
  expect_refused(json.substr(0, json.size() - 1));
  // Members.
  expect_refused(with(json, "{", "{\"payload\":\"aGVsbG8=\","));
  expect_refused(with(json, "{", "{\"p\\u0061yload\":\"aGVsbG8=\","));  // twice, once in disguise
  expect_refused(with(json, "{", "{\"extra\":1,"));
  expect_refused(with(json, "\"payload\":\"aGVsbG8=\",", ""));
  expect_refused(with(json, "\"payload\"", "\"Payload\""));
  expect_refused(with(json, "\"sig\"", "\"extra\":1,\"sig\""));
  expect_refused(with(json, "\"keyid\":", "\"keyid\":\"\",\"keyid\":"));
  // One signature.
  const std::string signature = json.substr(json.find("[{") + 1, json.find("}]") - json.find("[{"));
  expect_refused(with(json, signature, ""));
  expect_refused(with(json, signature, signature + "," + signature));
  expect_refused(with(json, "[" + signature + "]", signature));
  // Types and forms of values.
  expect_refused(with(json, "\"aGVsbG8=\"", "null"));
  expect_refused(with(json, "\"aGVsbG8=\"", "5"));
  expect_refused(with(json, "aGVsbG8=", "aGVsbG8"));
  expect_refused(with(json, "aGVsbG8=", "aGVsbG9="));  // unused bits set
  expect_refused(with(json, "aGVsbG8=", "aGVs\\nbG8="));
  expect_refused(with(json, "aGVsbG8=", "aGV-bG8="));
  expect_refused(with(json, std::string(kType), ""));
  expect_refused(with(json, std::string(kType), "a b"));
  expect_refused(with(json, std::string(kType), "a\\u0000"));
  expect_refused(with(json, std::string(kType), std::string(256, 'a')));
  expect_refused(with(json, "\"keyid\":\"", "\"keyid\":\"0"));
  expect_refused(with(json, "\"sig\":\"", "\"sig\":\"AAAA"));
  expect_refused(with(json, "/vnd", "/\xff"));  // not UTF-8
}

TEST(DsseTest, RefusesDeepNestingWithoutFollowingIt) {
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  for (const std::string& deep : {std::string(500'000, '['), objects}) {
    try {
      parse_envelope(deep);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformed);
      EXPECT_NE(std::string(error.what()).find("nested too deeply"), std::string::npos);
    }
  }
}

TEST(DsseTest, TakesTheLargestRecordAndNoLarger) {
  const std::string largest(kMaxPayloadSize, 'x');
  const std::string json = to_json(sign(std::string(255, 't'), as_bytes(largest), signing_key()));
  EXPECT_LE(json.size(), kMaxEnvelopeSize);
  EXPECT_EQ(parse_envelope(json).payload.size(), kMaxPayloadSize);

  EXPECT_EQ(thrown_by([&] { envelope_of(largest + "x"); }), ErrorCode::kTooLarge);
  const std::string padded = json + std::string(kMaxEnvelopeSize - json.size(), ' ');
  EXPECT_NO_THROW(parse_envelope(padded));
  EXPECT_EQ(thrown_by([&] { parse_envelope(padded + " "); }), ErrorCode::kMalformed);
}

TEST(DsseTest, SaysNothingOfTheInputInItsMessages) {
  for (const char* text : {"{\"secret\":", "{\"secret\":1}", "{\"payload\":\"secret\"}"}) {
    try {
      parse_envelope(text);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace letterbox::records
