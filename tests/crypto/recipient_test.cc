#include "crypto/recipient.h"

#include <gtest/gtest.h>

#include <cctype>

#include "crypto/base64.h"
#include "crypto/bech32.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

// The pair in the age specification.
constexpr std::string_view kIdentityText =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr std::string_view kRecipientText =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

X25519Identity spec_identity() {
  return X25519Identity::parse(kIdentityText).value();
}

// All encodings of points of low order (https://cr.yp.to/ecdh.html#validate), then the same with
// the top bit set, which X25519 ignores.
constexpr const char* kLowOrderPoints[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};

std::string recipient_text(ByteView point) {
  return std::string(bech32_encode("age", point).reveal_text());
}

TEST(X25519Keys, AreReadAndWrittenAsTheSpecificationHasThem) {
  const X25519Identity identity = spec_identity();
  EXPECT_EQ(identity.text().reveal_text(), kIdentityText);
  EXPECT_EQ(identity.recipient().text(), kRecipientText);
  EXPECT_EQ(X25519Recipient::parse(kRecipientText), identity.recipient());
}

TEST(X25519Keys, AreAnotherPairEachTime) {
  const X25519Identity first = X25519Identity::generate();
  const X25519Identity second = X25519Identity::generate();
  EXPECT_NE(first.recipient(), second.recipient());
  EXPECT_EQ(X25519Identity::parse(first.text().reveal_text())->recipient(), first.recipient());
}

TEST(X25519Recipient, RefusesTextsOutsideItsFormat) {
  std::string upper(kRecipientText);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_FALSE(X25519Recipient::parse(upper));
  EXPECT_FALSE(X25519Recipient::parse(kIdentityText));
  EXPECT_FALSE(X25519Recipient::parse(""));
  EXPECT_FALSE(X25519Recipient::parse("age1"));
  EXPECT_FALSE(X25519Recipient::parse(std::string(kRecipientText) + " "));
  EXPECT_FALSE(X25519Recipient::parse(recipient_text(some_bytes(31))));
  EXPECT_FALSE(X25519Recipient::parse(recipient_text(some_bytes(33))));
}

TEST(X25519Recipient, RefusesPointsOfLowOrder) {
  for (const char* point : kLowOrderPoints)
    EXPECT_FALSE(X25519Recipient::parse(recipient_text(from_hex(point)))) << point;
}

TEST(X25519Recipient, RefusesOtherEncodingsOfAPoint) {
  // To them one could seal, and nobody could open: the recipient's bytes go into the wrap key.
  X25519Recipient::Point point = spec_identity().recipient().point();
  ASSERT_TRUE(X25519Recipient::parse(recipient_text(point)));
  point.back() |= 0x80;
  EXPECT_FALSE(X25519Recipient::parse(recipient_text(point)));
  // 2^255 - 19 + 9, which is the base point again.
  Bytes base(32, 0xff);
  base.front() = 0xf6;
  base.back() = 0x7f;
  EXPECT_FALSE(X25519Recipient::parse(recipient_text(base)));
}

TEST(X25519Recipient, WrapsNothingToAPointOfLowOrder) {
  for (const char* point : kLowOrderPoints) {
    const X25519Recipient recipient(array_from_hex<32>(point));
    EXPECT_EQ(code_of([&] { recipient.wrap(test_file_key(), secret_of<32>(some_bytes(32))); }),
              ErrorCode::kMalformedRecipient)
        << point;
  }
}

TEST(X25519Identity, RefusesTextsOutsideItsFormat) {
  std::string lower(kIdentityText);
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  EXPECT_FALSE(X25519Identity::parse(lower));
  EXPECT_FALSE(X25519Identity::parse(kRecipientText));
  EXPECT_FALSE(X25519Identity::parse(""));
  EXPECT_FALSE(X25519Identity::parse(std::string(kIdentityText) + "\n"));
  EXPECT_FALSE(
      X25519Identity::parse(bech32_encode("AGE-SECRET-KEY-", some_bytes(31)).reveal_text()));
}

class X25519Stanza : public testing::Test {
 protected:
  const X25519Identity identity_ = spec_identity();
  Stanza stanza_ = identity_.recipient().wrap(test_file_key(), secret_of<32>(some_bytes(32)));
};

TEST_F(X25519Stanza, GivesItsFileKeyToItsIdentityAlone) {
  const auto file_key = identity_.unwrap(stanza_);
  ASSERT_TRUE(file_key);
  EXPECT_TRUE(std::equal(file_key->reveal().begin(), file_key->reveal().end(),
                         test_file_key().reveal().begin()));
  EXPECT_FALSE(X25519Identity::generate().unwrap(stanza_));
}

TEST_F(X25519Stanza, OfAnotherTypeIsIgnored) {
  stanza_.arguments[0] = "x25519";
  stanza_.body.clear();
  EXPECT_FALSE(identity_.unwrap(stanza_));
}

TEST_F(X25519Stanza, OutsideItsFormatIsRefused) {
  const auto refused = [&](const Stanza& stanza) {
    return code_of([&] { identity_.unwrap(stanza); }) == ErrorCode::kMalformed;
  };
  Stanza extra = stanza_;
  extra.arguments.emplace_back("x");
  EXPECT_TRUE(refused(extra));
  Stanza missing = stanza_;
  missing.arguments.pop_back();
  EXPECT_TRUE(refused(missing));
  Stanza short_share = stanza_;
  short_share.arguments[1] = base64_encode(some_bytes(31), Padding::kNone);
  EXPECT_TRUE(refused(short_share));
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 31, 33}) {
    Stanza body = stanza_;
    body.body.resize(size);
    EXPECT_TRUE(refused(body)) << size;
  }
}

TEST_F(X25519Stanza, WithAShareOfLowOrderIsRefused) {
  for (const char* point : kLowOrderPoints) {
    stanza_.arguments[1] = base64_encode(from_hex(point), Padding::kNone);
    EXPECT_EQ(code_of([&] { identity_.unwrap(stanza_); }), ErrorCode::kMalformed) << point;
  }
}

class ScryptStanza : public testing::Test {
 protected:
  Stanza stanza_ = scrypt_wrap(test_file_key(), passphrase("correct"), 10);
};

TEST_F(ScryptStanza, GivesItsFileKeyForItsPassphraseAlone) {
  const auto file_key = scrypt_unwrap(stanza_, passphrase("correct"));
  ASSERT_TRUE(file_key);
  EXPECT_TRUE(std::equal(file_key->reveal().begin(), file_key->reveal().end(),
                         test_file_key().reveal().begin()));
  EXPECT_FALSE(scrypt_unwrap(stanza_, passphrase("Correct")));
  EXPECT_FALSE(scrypt_unwrap(stanza_, passphrase("")));
}

TEST_F(ScryptStanza, HasAFreshSaltEachTime) {
  EXPECT_NE(scrypt_wrap(test_file_key(), passphrase("correct"), 1).arguments[1],
            stanza_.arguments[1]);
}

TEST_F(ScryptStanza, AboveTheWorkFactorLimitIsRefusedUntried) {
  EXPECT_EQ(code_of([&] { scrypt_unwrap(stanza_, passphrase("correct"), 9); }),
            ErrorCode::kTooLarge);
  for (const char* factor : {"23", "64", "999", "18446744073709551617"}) {
    stanza_.arguments[2] = factor;
    EXPECT_EQ(code_of([&] { scrypt_unwrap(stanza_, passphrase("correct")); }), ErrorCode::kTooLarge)
        << factor;
  }
}

TEST_F(ScryptStanza, WithAWorkFactorThatIsNoPlainDecimalNumberIsRefused) {
  for (const char* factor : {"0", "010", "+10", "-10", "0x0a", "10 ", "ten"}) {
    stanza_.arguments[2] = factor;
    EXPECT_EQ(code_of([&] { scrypt_unwrap(stanza_, passphrase("correct")); }),
              ErrorCode::kMalformed)
        << factor;
  }
}

TEST(FileKeys, AreDrawnAnewEachTime) {
  EXPECT_NE(to_hex(random_file_key().reveal()), to_hex(random_file_key().reveal()));
}

}  // namespace
}  // namespace letterbox::crypto
