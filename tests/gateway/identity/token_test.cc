#include "gateway/identity/token.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace letterbox::gateway {
namespace {

TEST(Token, Is43CharactersOfBase64urlAndNeverTheSame) {
  const SecretBytes one = make_token();
  EXPECT_EQ(one.size(), 43U);
  EXPECT_EQ(one.reveal_text().find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string_view::npos);
  EXPECT_NE(one.reveal_text(), make_token().reveal_text());
}

// printf '\xfb\xff' … | basenc --base64url; sha256sum
TEST(Token, ItsDigestIsThatOfItsBytes) {
  const Bytes bytes(32, 0xfb);
  EXPECT_EQ(token_digest("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"), crypto::sha256(bytes));
}

TEST(Token, WhatIsNoneHasNoDigest) {
  const std::string token(make_token().reveal_text());
  EXPECT_TRUE(token_digest(token));
  EXPECT_FALSE(token_digest(""));
  EXPECT_FALSE(token_digest(token.substr(1)));
  EXPECT_FALSE(token_digest(token + "="));
  EXPECT_FALSE(token_digest("+/v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"));
  EXPECT_FALSE(token_digest("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_t")) << "unused bits";
}

}  // namespace
}  // namespace letterbox::gateway
