#include "crypto/bech32.h"

#include <gtest/gtest.h>

#include <cctype>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

TEST(Bech32, ReadsAndWritesTheValidStringsOfBip173) {
  const std::pair<const char*, const char*> vectors[] = {
      {"A", "A12UEL5L"},
      {"a", "a12uel5l"},
      {"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio",
       "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tg"
       "s"},
      {"abcdef", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"},
      {"1",
       "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247"
       "j"},
      {"split", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"},
      {"?", "?1ezyfcl"}};
  for (const auto& [prefix, text] : vectors) {
    const auto data = bech32_decode(text, prefix);
    ASSERT_TRUE(data) << text;
    EXPECT_EQ(bech32_encode(prefix, data->reveal()).reveal_text(), text);
  }
}

TEST(Bech32, RefusesTheInvalidStringsOfBip173) {
  EXPECT_FALSE(bech32_decode("pzry9x0s0muk", ""));
  EXPECT_FALSE(bech32_decode("1pzry9x0s0muk", ""));
  EXPECT_FALSE(bech32_decode("x1b4n0q5v", "x"));
  EXPECT_FALSE(bech32_decode("li1dgmt3", "li"));
  EXPECT_FALSE(bech32_decode("de1lg7wt\xff", "de"));
  EXPECT_FALSE(bech32_decode("A1G7SGD8", "A"));
  EXPECT_FALSE(bech32_decode("10a06t8", "1"));
  EXPECT_FALSE(bech32_decode("1qzzfhee", ""));
}

TEST(Bech32, GivesBackDataOfEveryLengthWithoutALimit) {
  for (const std::size_t size :
       std::initializer_list<std::size_t>{0, 1, 2, 3, 4, 5, 31, 32, 33, 1184, 5000}) {
    const Bytes data = some_bytes(size);
    const SecretBytes text = bech32_encode("age", data);
    const auto decoded = bech32_decode(text.reveal_text(), "age");
    ASSERT_TRUE(decoded) << size;
    EXPECT_TRUE(
        std::equal(data.begin(), data.end(), decoded->reveal().begin(), decoded->reveal().end()));
  }
}

TEST(Bech32, RefusesEverySingleChangedCharacter) {
  const Bytes data = some_bytes(32);
  const SecretBytes encoded = bech32_encode("age", data);
  const std::string text(encoded.reveal_text());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      EXPECT_EQ(bech32_decode(changed, "age").has_value(), changed == text) << changed;
    }
  }
}

TEST(Bech32, RefusesTheOtherCaseAndMixedCase) {
  const SecretBytes lower = bech32_encode("age", some_bytes(4));
  std::string text(lower.reveal_text());
  EXPECT_FALSE(bech32_decode(text, "AGE"));
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  EXPECT_FALSE(bech32_decode(text, "age"));
  EXPECT_TRUE(bech32_decode(text, "AGE"));
  text.replace(0, 3, "age");
  EXPECT_FALSE(bech32_decode(text, "age"));
}

TEST(Bech32, RefusesPaddingThatIsntOneToFourZeroBits) {
  // All with a right checksum. First the one text that there is for the byte ff.
  EXPECT_TRUE(bech32_decode("age1luyvfgxs", "age"));
  EXPECT_FALSE(bech32_decode("age1lae6aamz", "age")) << "a padding bit is one";
  EXPECT_FALSE(bech32_decode("age1luqrr2q7m", "age")) << "a whole character is padding";
  EXPECT_FALSE(bech32_decode("age1qdd35qf", "age")) << "nothing but padding";
}

}  // namespace
}  // namespace letterbox::crypto
