#include "crypto/kdf.h"

#include <gtest/gtest.h>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

// The standards' outputs are longer than 32 bytes; HKDF and scrypt both give prefixes of them when
// asked for less.

TEST(Hkdf, AgreesWithRfc5869) {
  const Bytes ikm(22, 0x0b);
  EXPECT_EQ(to_hex(hkdf_sha256(ikm, from_hex("000102030405060708090a0b0c"),
                               as_text(from_hex("f0f1f2f3f4f5f6f7f8f9")))
                       .reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  EXPECT_EQ(to_hex(hkdf_sha256(ikm, {}, "").reveal()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(Hmac, AgreesWithRfc4231) {
  // Its key of 20 bytes: HMAC pads keys with zeros anyhow.
  Secret<32> key;
  std::fill_n(key.reveal().begin(), 20, Byte{0x0b});
  EXPECT_EQ(to_hex(hmac_sha256(key, as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(Scrypt, AgreesWithRfc7914) {
  EXPECT_EQ(to_hex(scrypt(passphrase("pleaseletmein"), as_bytes("SodiumChloride"), 14).reveal()),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

TEST(Scrypt, HasRoomForAWorkFactorAboveTheDefaultAndForAnEmptyPassphrase) {
  EXPECT_NE(to_hex(scrypt(passphrase(""), as_bytes("salt"), 19).reveal()),
            to_hex(scrypt(passphrase("x"), as_bytes("salt"), 19).reveal()));
}

}  // namespace
}  // namespace letterbox::crypto
