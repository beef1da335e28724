#include "crypto/passphrase_file.h"

#include <gtest/gtest.h>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

constexpr unsigned kQuick = 10;

TEST(PassphraseFile, OpensWithItsPassphraseAlone) {
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 75, 64 * 1024}) {
    const Bytes plaintext = some_bytes(size);
    const Bytes file = seal_with_passphrase(SecretBytes(plaintext), passphrase("right"), kQuick);
    EXPECT_TRUE(looks_like_age(file));
    const SecretBytes opened = open_with_passphrase(file, passphrase("right"));
    EXPECT_TRUE(std::equal(plaintext.begin(), plaintext.end(), opened.reveal().begin(),
                           opened.reveal().end()));
    EXPECT_EQ(code_of([&] { open_with_passphrase(file, passphrase("wrong")); }),
              ErrorCode::kWrongPassphrase);
  }
}

TEST(PassphraseFile, OpensWithItsFileKeyAndNoOtherFiles) {
  const Bytes plaintext = some_bytes(75);
  const Bytes file = seal_with_passphrase(SecretBytes(plaintext), passphrase("p"), kQuick);
  const Bytes other = seal_with_passphrase(SecretBytes(plaintext), passphrase("p"), kQuick);
  const FileKey file_key = passphrase_file_key(file, passphrase("p"));
  const SecretBytes opened = open_with_file_key(file, file_key);
  EXPECT_TRUE(std::ranges::equal(opened.reveal(), plaintext));
  EXPECT_EQ(code_of([&] { open_with_file_key(other, file_key); }), ErrorCode::kIntegrity);
  EXPECT_EQ(code_of([&] { passphrase_file_key(file, passphrase("q")); }),
            ErrorCode::kWrongPassphrase);
}

TEST(PassphraseFile, IsAnotherEachTime) {
  const SecretBytes plaintext(some_bytes(10));
  EXPECT_NE(seal_with_passphrase(plaintext, passphrase("p"), kQuick),
            seal_with_passphrase(plaintext, passphrase("p"), kQuick));
}

TEST(PassphraseFile, WithAnyByteFlippedIsRefused) {
  const Bytes file = seal_with_passphrase(SecretBytes(some_bytes(10)), passphrase("p"), 2);
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes changed = file;
    changed[i] ^= 1;
    EXPECT_NE(code_of([&] { open_with_passphrase(changed, passphrase("p")); }), std::nullopt) << i;
  }
}

TEST(PassphraseFile, CutAnywhereIsRefused) {
  const Bytes file = seal_with_passphrase(SecretBytes(some_bytes(10)), passphrase("p"), 2);
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(code_of([&] { open_with_passphrase(ByteView(file).first(size), passphrase("p")); }),
              std::nullopt)
        << size;
}

TEST(PassphraseFile, LargerThanAKeyFileIsRefused) {
  const Bytes file =
      seal_with_passphrase(SecretBytes(some_bytes(64 * 1024 + 1)), passphrase("p"), 2);
  EXPECT_EQ(code_of([&] { open_with_passphrase(file, passphrase("p")); }), ErrorCode::kTooLarge);
}

TEST(PassphraseFile, IsToldFromAFileSealedForAKey) {
  const std::vector<X25519Recipient> recipients{X25519Identity::generate().recipient()};
  const Bytes header = seal_header(test_file_key(), CoverHash{}, recipients);
  EXPECT_EQ(code_of([&] { open_with_passphrase(header, passphrase("p")); }), ErrorCode::kNoKeyFits);
}

}  // namespace
}  // namespace letterbox::crypto
