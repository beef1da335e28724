#include "records/cover.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "records/delivery_headers.h"
#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

constexpr std::string_view kDelivery = "01997d3c-59ff-7000-8000-000000000001";

CoverRecipient recipient_named(std::string_view name) {
  return {.handle = handle(name),
          .recipient = crypto::X25519Identity::generate().recipient(),
          .log_index = std::nullopt};
}

Cover cover_for(std::size_t recipients = 2) {
  Cover cover{.delivery = Uuid::parse(kDelivery).value(),
              .version = 1,
              .previous = std::nullopt,
              .random = {1, 2, 3},
              .sender = handle("ada@clinic.example"),
              .sealed_by = SealedBy::kDevice,
              .created = time_of("2026-11-23T17:30:00Z"),
              .expires = time_of("2026-12-23T17:30:00Z"),
              .recipients = {}};
  for (std::size_t i = 0; i < recipients; ++i) {
    cover.recipients.push_back(recipient_named("d" + std::to_string(i) + "@clinic.example"));
  }
  return cover;
}

std::string text_of(const Cover& cover) {
  return std::string(as_text(cover_bytes(cover)));
}

void expect_refused(const std::string& text) {
  EXPECT_EQ(thrown_by([&] { parse_cover(as_bytes(text)); }), ErrorCode::kMalformed) << text;
}

void expect_refused(const Cover& cover) {
  expect_refused(text_of(cover));
  EXPECT_EQ(thrown_by([&] { sign_cover(cover, signing_key()); }), ErrorCode::kMalformed);
}

TEST(CoverTest, IsCompactJsonInAFixedOrder) {
  Cover cover = cover_for(2);
  cover.recipients[1].log_index = 7;
  EXPECT_EQ(text_of(cover),
            "{\"delivery\":\"01997d3c-59ff-7000-8000-000000000001\",\"version\":1,"
            "\"previous\":null,\"random\":\"AQIDAAAAAAAAAAAAAAAAAA==\","
            "\"sender\":\"ada@clinic.example\",\"sealed_by\":\"device\","
            "\"created\":\"2026-11-23T17:30:00Z\","
            "\"expires\":\"2026-12-23T17:30:00Z\",\"recipients\":["
            "{\"handle\":\"d0@clinic.example\",\"recipient\":\"" +
                cover.recipients[0].recipient.text() +
                "\",\"log_index\":null},"
                "{\"handle\":\"d1@clinic.example\",\"recipient\":\"" +
                cover.recipients[1].recipient.text() + "\",\"log_index\":7}]}");
}

TEST(CoverTest, ReadsBackWhatItWrites) {
  Cover cover = cover_for();
  cover.version = 0xffffffff;
  cover.previous = crypto::sha256(as_bytes("the version before"));
  cover.sealed_by = SealedBy::kGateway;
  cover.recipients[0].log_index = (std::uint64_t{1} << 53) - 1;
  const Cover read = parse_cover(cover_bytes(cover));
  EXPECT_EQ(read.delivery, cover.delivery);
  EXPECT_EQ(read.version, cover.version);
  EXPECT_EQ(read.previous, cover.previous);
  EXPECT_EQ(read.random, cover.random);
  EXPECT_EQ(read.sender, cover.sender);
  EXPECT_EQ(read.sealed_by, cover.sealed_by);
  EXPECT_EQ(read.created, cover.created);
  EXPECT_EQ(read.expires, cover.expires);
  EXPECT_EQ(read.keys(), cover.keys());
  EXPECT_EQ(read.recipients[0].log_index, cover.recipients[0].log_index);
  EXPECT_EQ(read.recipients[1].handle, cover.recipients[1].handle);
}

TEST(CoverTest, VerifiesAndHashesTheBytesThatWereSignedAndNoOthers) {
  // Signed by somebody who writes JSON with white space: never written again on the way to a hash.
  const std::string text = with(text_of(cover_for()), ",", " , ");
  const Envelope envelope = sign(kCoverType, as_bytes(text), signing_key());
  const SignedCover cover = verify_cover(envelope, signing_key().verify_key());
  EXPECT_EQ(cover.hash, crypto::sha256(as_bytes(text)));
  EXPECT_EQ(as_text(cover.envelope.payload), text);
}

TEST(CoverTest, SignsWhatVerifies) {
  const SignedCover cover = sign_cover(cover_for(), signing_key());
  const SignedCover read =
      verify_cover(parse_envelope(to_json(cover.envelope)), signing_key().verify_key());
  EXPECT_EQ(read.hash, cover.hash);
  EXPECT_EQ(read.cover.keys(), cover.cover.keys());
}

TEST(CoverTest, RefusesAnotherSignerOrType) {
  const SignedCover cover = sign_cover(cover_for(), signing_key());
  EXPECT_EQ(thrown_by([&] { verify_cover(cover.envelope, signing_key(2).verify_key()); }),
            ErrorCode::kBadSignature);
  const Envelope manifest =
      sign("application/vnd.letterbox.manifest.v1+json", cover.envelope.payload, signing_key());
  EXPECT_EQ(thrown_by([&] { verify_cover(manifest, signing_key().verify_key()); }),
            ErrorCode::kBadSignature);
}

TEST(CoverTest, Version1HasNoPreviousAndEveryLaterOneHas) {
  Cover cover = cover_for();
  cover.previous = Digest{};
  expect_refused(cover);
  cover.version = 2;
  EXPECT_NO_THROW(parse_cover(cover_bytes(cover)));
  cover.previous = std::nullopt;
  expect_refused(cover);
  cover.version = 0;
  expect_refused(cover);
}

TEST(CoverTest, ExpiresAfterItWasCreated) {
  Cover cover = cover_for();
  cover.expires = cover.created;
  expect_refused(cover);
  cover.expires = cover.created + std::chrono::seconds(1);
  EXPECT_NO_THROW(parse_cover(cover_bytes(cover)));
}

TEST(CoverTest, ListsOneTo1000RecipientsAndNoKeyTwice) {
  expect_refused(cover_for(0));
  Cover cover = cover_for(kMaxRecipients);
  EXPECT_NO_THROW(parse_cover(cover_bytes(cover)));
  cover.recipients.push_back(recipient_named("one-more@clinic.example"));
  expect_refused(cover);

  cover = cover_for(2);
  cover.recipients[1].handle = cover.recipients[0].handle;  // one person, two devices
  EXPECT_NO_THROW(parse_cover(cover_bytes(cover)));
  cover.recipients[1].recipient = cover.recipients[0].recipient;
  expect_refused(cover);
}

TEST(CoverTest, LargestCoverFitsIntoAnEnvelope) {
  Cover cover = cover_for(0);
  const std::string longest = std::string(64, 'n') + '@' + std::string(64, 't');
  for (std::size_t i = 0; i < kMaxRecipients; ++i) {
    cover.recipients.push_back(recipient_named(longest));
    cover.recipients.back().log_index = (std::uint64_t{1} << 53) - 1;
  }
  const SignedCover largest = sign_cover(cover, signing_key());
  EXPECT_NO_THROW(parse_envelope(to_json(largest.envelope)));
  EXPECT_NO_THROW(cover_frame(largest.envelope));  // and begins a recipients change
}

TEST(CoverTest, RefusesEveryOtherForm) {
  const std::string text = text_of(cover_for(1));
  EXPECT_NO_THROW(parse_cover(as_bytes(text)));
  for (const char* other : {"", "{}", "[]", "null"}) expect_refused(other);
  expect_refused(text + "x");
  expect_refused(text + text);
  expect_refused(text + '\0');
  // Members: one more, one less, one twice, one of another name; also in the inner object.
  expect_refused(with(text, "{", "{\"extra\":null,"));
  expect_refused(with(text, "\"version\":1,", ""));
  expect_refused(with(text, "\"version\":1,", "\"version\":1,\"version\":1,"));
  expect_refused(with(text, "\"version\":1,", "\"Version\":1,"));
  expect_refused(with(text, "{\"handle\"", "{\"extra\":null,\"handle\""));
  expect_refused(with(text, ",\"log_index\":null", ""));
  expect_refused(with(text, ",\"log_index\":null", ",\"log_index\":null,\"log_index\":null"));
  // Numbers that are no plain integers in range.
  for (const char* version : {"0", "-1", "1.0", "1e0", "\"1\"", "null", "true", "[1]", "01", "+1",
                              "-0", "4294967297", "18446744073709551617"}) {
    expect_refused(with(text, "\"version\":1", std::string("\"version\":") + version));
  }
  for (const char* index : {"-1", "0.0", "\"0\"", "false", "9007199254740992"}) {
    expect_refused(with(text, "\"log_index\":null", std::string("\"log_index\":") + index));
  }
  // Texts of another form.
  expect_refused(with(text, "7d3c-59ff", "7D3C-59FF"));
  expect_refused(with(text, "-7000-", "-4000-"));
  expect_refused(with(text, "AQIDAAAAAAAAAAAAAAAAAA==", "AQIDAAAAAAAAAAAAAAAAAA"));
  expect_refused(with(text, "AQIDAAAAAAAAAAAAAAAAAA==", "AQIDAAAAAAAAAAAAAAAAAB=="));
  expect_refused(with(text, "AQIDAAAAAAAAAAAAAAAAAA==", "AQIDAAAAAAAAAAAAAAAA"));
  expect_refused(with(text, "\"device\"", "\"Device\""));
  expect_refused(with(text, "\"device\"", "\"\""));
  expect_refused(with(text, "ada@clinic.example", "ada"));
  expect_refused(with(text, "17:30:00Z", "17:30:00.000Z"));
  expect_refused(with(text, "\"recipient\":\"age1", "\"recipient\":\"age1q"));
  expect_refused(with(text, "\"previous\":null", "\"previous\":\"\""));
  expect_refused(with(text, "\"recipients\":[", "\"recipients\":[null,"));
  expect_refused(with(text, "\"recipients\":[", "\"recipients\":[[],"));
}

}  // namespace
}  // namespace letterbox::records
