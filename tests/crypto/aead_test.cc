#include "crypto/aead.h"

#include <gtest/gtest.h>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

Secret<32> some_key() {
  return secret_of<32>(some_bytes(32, 3));
}
constexpr AeadNonce kNonce{9, 8, 7};

Bytes sealed(std::size_t size) {
  Bytes message = some_bytes(size);
  message.resize(size + kAeadTagSize);
  AeadSealer(some_key()).seal(kNonce, message);
  return message;
}

TEST(Aead, OpensWhatItSealedAtEveryLength) {
  for (const std::size_t size :
       std::initializer_list<std::size_t>{0, 1, 15, 16, 17, 63, 64, 65, 1000, 65536}) {
    Bytes message = sealed(size);
    ASSERT_TRUE(AeadOpener(some_key()).open(kNonce, message, message)) << size;
    message.resize(size);
    EXPECT_EQ(message, some_bytes(size));
  }
}

TEST(Aead, ServesManyMessagesUnderOneKey) {
  AeadSealer sealer(some_key());
  AeadOpener opener(some_key());
  for (Byte i = 0; i < 10; ++i) {
    Bytes message(100 + kAeadTagSize, i);
    sealer.seal(AeadNonce{i}, message);
    ASSERT_TRUE(opener.open(AeadNonce{i}, message, message));
    EXPECT_EQ(message.front(), i);
  }
}

TEST(Aead, LeavesAMessageThatIsntAuthenticAsItWas) {
  Bytes message = sealed(100);
  message[50] ^= 1;
  const Bytes before = message;
  EXPECT_FALSE(AeadOpener(some_key()).open(kNonce, message, message));
  EXPECT_EQ(message, before);
}

TEST(Aead, OpensAfterAFailureAsIfItHadNotBeen) {
  AeadOpener opener(some_key());
  Bytes message = sealed(100);
  EXPECT_FALSE(opener.open(AeadNonce{1}, message, message));
  EXPECT_TRUE(opener.open(kNonce, message, message));
}

TEST(Aead, OpensIntoAnotherPlaceAndLeavesNoPlaintextThereOnFailure) {
  Bytes message = sealed(100);
  Bytes text(100);
  ASSERT_TRUE(AeadOpener(some_key()).open(kNonce, message, text));
  EXPECT_EQ(text, some_bytes(100));
  message[50] ^= 1;
  EXPECT_FALSE(AeadOpener(some_key()).open(kNonce, message, text));
  EXPECT_TRUE(is_prefix(text, message));
}

TEST(Aead, RefusesAMessageTooShortForATag) {
  Bytes message(15);
  EXPECT_FALSE(AeadOpener(some_key()).open(kNonce, message, message));
}

}  // namespace
}  // namespace letterbox::crypto
