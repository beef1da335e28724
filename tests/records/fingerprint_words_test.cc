#include "records/fingerprint_words.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

// The sixteen bits that a word stands for, by the rule read backwards.
unsigned bits_of(std::string_view word) {
  constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
  constexpr std::string_view kVowels = "aiou";
  unsigned bits = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const std::string_view letters = i % 2 == 0 ? kConsonants : kVowels;
    bits =
        bits * static_cast<unsigned>(letters.size()) + static_cast<unsigned>(letters.find(word[i]));
  }
  return bits;
}

TEST(FingerprintWordsTest, SayTheFirstHalfOfTheFingerprint) {
  for (Byte fill = 1; fill < 100; ++fill) {
    const crypto::VerifyKey key = signing_key(fill).verify_key();
    const std::string words = fingerprint_words(key);
    ASSERT_EQ(words.size(), 47U);
    Bytes said;
    for (std::size_t i = 0; i < words.size(); i += 6) {
      const unsigned bits = bits_of(std::string_view(words).substr(i, 5));
      said.push_back(static_cast<Byte>(bits >> 8));
      said.push_back(static_cast<Byte>(bits & 0xff));
    }
    EXPECT_EQ(to_hex(said), key.fingerprint().substr(0, 32));
  }
}

TEST(FingerprintWordsTest, AreOfFiveLettersWithAHyphenBetween) {
  const std::string words = fingerprint_words(signing_key().verify_key());
  EXPECT_EQ(std::ranges::count(words, '-'), 7);
  for (std::size_t i = 5; i < words.size(); i += 6) EXPECT_EQ(words[i], '-');
  EXPECT_EQ(words.find_first_not_of("abdfghijklmnoprstuvz-"), std::string::npos);
}

}  // namespace
}  // namespace letterbox::records
