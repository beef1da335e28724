#include "crypto/signing.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

struct Rfc8032Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

// RFC 8032 section 7.1, tests 1 to 3.
constexpr Rfc8032Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6594a7c15e9716ed28dc027beceea1ec40a"}};

SigningKey key_of(const Rfc8032Vector& vector) {
  return SigningKey(secret_of<32>(from_hex(vector.seed)));
}

TEST(Signing, AgreesWithRfc8032) {
  for (const Rfc8032Vector& vector : kVectors) {
    const SigningKey key = key_of(vector);
    EXPECT_EQ(to_hex(key.verify_key().bytes()), vector.public_key);
    const Bytes message = from_hex(vector.message);
    EXPECT_EQ(to_hex(key.sign(message)), vector.signature);
    EXPECT_TRUE(key.verify_key().verify(message, array_from_hex<64>(vector.signature)));
  }
}

TEST(Signing, RefusesASignatureWithAnyBitChanged) {
  const SigningKey key = key_of(kVectors[1]);
  const Bytes message = from_hex(kVectors[1].message);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Signature signature = key.sign(message);
    signature[bit / 8] ^= static_cast<Byte>(1 << (bit % 8));
    EXPECT_FALSE(key.verify_key().verify(message, signature)) << bit;
  }
}

TEST(Signing, RefusesAnotherMessageAndAnotherKey) {
  const SigningKey key = SigningKey::generate();
  const Signature signature = key.sign(as_bytes("message"));
  EXPECT_TRUE(key.verify_key().verify(as_bytes("message"), signature));
  EXPECT_FALSE(key.verify_key().verify(as_bytes("massage"), signature));
  EXPECT_FALSE(SigningKey::generate().verify_key().verify(as_bytes("message"), signature));
}

TEST(Signing, RefusesAKeyThatIsNoPoint) {
  std::array<Byte, 32> none;
  none.fill(0xff);
  EXPECT_FALSE(VerifyKey(none).verify(as_bytes("message"), Signature{}));
}

TEST(Signing, GeneratesAnotherKeyEachTime) {
  EXPECT_NE(SigningKey::generate().verify_key(), SigningKey::generate().verify_key());
}

TEST(Signing, IsDeterminedByTheSeed) {
  const SigningKey key = SigningKey::generate();
  const SigningKey again(secret_of<32>(key.seed().reveal()));
  EXPECT_EQ(again.verify_key(), key.verify_key());
}

TEST(VerifyKey, ReadsTheTextThatItWritesAndNoOther) {
  const VerifyKey key = key_of(kVectors[0]).verify_key();
  EXPECT_EQ(VerifyKey::parse(key.text()), key);
  EXPECT_EQ(key.text().size(), 44U);
  std::string text = key.text();
  text.pop_back();
  EXPECT_FALSE(VerifyKey::parse(text)) << "no padding";
  EXPECT_FALSE(VerifyKey::parse(key.text() + "\n"));
  EXPECT_FALSE(VerifyKey::parse(""));
  EXPECT_FALSE(VerifyKey::parse(base64_encode(some_bytes(31), Padding::kRequired)));
  EXPECT_FALSE(VerifyKey::parse(base64_encode(some_bytes(33), Padding::kRequired)));
}

TEST(VerifyKey, HasTheHexDigestOfItsBytesForAFingerprint) {
  const VerifyKey key = key_of(kVectors[0]).verify_key();
  EXPECT_EQ(key.fingerprint(), to_hex(sha256(from_hex(kVectors[0].public_key))));
}

}  // namespace
}  // namespace letterbox::crypto
