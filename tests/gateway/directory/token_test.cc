#include "gateway/directory/token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace letterbox::gateway {
namespace {

// The bytes e0 to ff, by Python's base64 and hashlib.
constexpr std::string_view kText = "4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8";
constexpr std::string_view kSha256 =
    "9432c1a7d343fcfacb164bdc44ff71c1281c004886b1c428419088d06cd3561a";

TEST(Token, IsBase64urlOfItsBits) {
  const auto token = Token::parse(kText);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->text().reveal_text(), kText);
  EXPECT_EQ(to_hex(token->sha256()), kSha256);
}

TEST(Token, IsAnotherEachTime) {
  std::set<std::string> made;
  for (int i = 0; i < 1000; ++i) {
    const Token token = Token::make();
    const SecretBytes text = token.text();
    EXPECT_EQ(text.size(), 43u);
    EXPECT_EQ(text.reveal_text().find_first_not_of(
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string_view::npos);
    EXPECT_EQ(Token::parse(text.reveal_text()).value().sha256(), token.sha256());
    made.insert(std::string(text.reveal_text()));
  }
  EXPECT_EQ(made.size(), 1000u);
}

TEST(Token, IsWrittenInOneWay) {
  const std::string text(kText);
  std::string standard = text;
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  ASSERT_NE(standard, text);
  EXPECT_FALSE(Token::parse(standard));
  EXPECT_FALSE(Token::parse(""));
  EXPECT_FALSE(Token::parse(text + "="));
  EXPECT_FALSE(Token::parse(text + "A"));
  EXPECT_FALSE(Token::parse(text.substr(1)));
  EXPECT_FALSE(Token::parse(" " + text.substr(1)));
  // The last character's two unused bits.
  EXPECT_FALSE(Token::parse(text.substr(0, 42) + static_cast<char>(text.back() + 1)));
  EXPECT_FALSE(Token::parse(text.substr(0, 42) + std::string(1, '\0')));
}

}  // namespace
}  // namespace letterbox::gateway
