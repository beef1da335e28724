#include "crypto/recovery_key.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

using Vector = std::map<std::string, std::string>;

// Made by tests/vectors/recovery/make.py, which knows this code as little as this code knows it.
std::vector<Vector> vectors() {
  std::ifstream file(LETTERBOX_RECOVERY_VECTORS);
  std::vector<Vector> vectors(1);
  for (std::string line; std::getline(file, line);) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos)
      vectors.emplace_back();
    else
      vectors.back()[line.substr(0, space)] = line.substr(space + 1);
  }
  if (vectors.back().empty()) vectors.pop_back();
  return vectors;
}

TEST(RecoveryKey, GivesTheDeviceThatAnotherImplementationDerives) {
  const auto all = vectors();
  ASSERT_EQ(all.size(), 5U);
  for (Vector vector : all) {
    const auto key = RecoveryKey::parse(vector["text"]);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->text().reveal_text(), vector["text"]);
    EXPECT_EQ(key->identity().text().reveal_text(), vector["identity"]);
    EXPECT_EQ(key->identity().recipient().text(), vector["recipient"]);
    EXPECT_EQ(to_hex(key->signing_key().seed().reveal()), vector["signing_seed"]);
    EXPECT_EQ(key->signing_key().verify_key().text(), vector["verify_key"]);
    EXPECT_EQ(key->signing_key().verify_key().fingerprint(), vector["fingerprint"]);
  }
}

TEST(RecoveryKey, IsAnotherEachTimeAndIsReadBack) {
  const RecoveryKey key = RecoveryKey::generate();
  const SecretBytes text = key.text();
  EXPECT_EQ(text.size(), 78U);
  EXPECT_NE(text.reveal_text(), RecoveryKey::generate().text().reveal_text());
  const auto again = RecoveryKey::parse(text.reveal_text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->identity().recipient(), key.identity().recipient());
}

TEST(RecoveryKey, WithAnyCharacterWrongLeftOutOrSwappedIsRefused) {
  for (Vector vector : vectors()) {
    const std::string text = vector["text"];
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (const char other : std::string("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L1q- ")) {
        std::string wrong = text;
        wrong[i] = other;
        EXPECT_EQ(RecoveryKey::parse(wrong).has_value(), wrong == text);
      }
      std::string shorter = text;
      shorter.erase(i, 1);
      EXPECT_FALSE(RecoveryKey::parse(shorter));
      if (i + 1 < text.size()) {
        std::string swapped = text;
        std::swap(swapped[i], swapped[i + 1]);
        EXPECT_EQ(RecoveryKey::parse(swapped).has_value(), swapped == text);
      }
    }
  }
}

TEST(RecoveryKey, IsNoOtherSecretOfItsKind) {
  EXPECT_FALSE(RecoveryKey::parse(""));
  EXPECT_FALSE(RecoveryKey::parse(X25519Identity::generate().text().reveal_text()));
  // 31 and 33 bytes, with the right prefix and checksum.
  EXPECT_FALSE(RecoveryKey::parse(
      "LETTERBOX-RECOVERY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQDS7KD8"));
  EXPECT_FALSE(RecoveryKey::parse(
      "LETTERBOX-RECOVERY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQAC32JL"));
}

}  // namespace
}  // namespace letterbox::crypto
