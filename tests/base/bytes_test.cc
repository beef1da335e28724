#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace letterbox {
namespace {

TEST(BytesTest, HexIsLowercaseAndComplete) {
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(to_hex(Bytes{0x00, 0x0f, 0xa0, 0xff}), "000fa0ff");
}

TEST(BytesTest, TextAndBytesViewEachOtherWithoutConversion) {
  const std::string text("a\0\xff", 3);
  EXPECT_EQ(Bytes(as_bytes(text).begin(), as_bytes(text).end()), (Bytes{'a', 0, 0xff}));
  EXPECT_EQ(as_text(as_bytes(text)).data(), text.data());
  EXPECT_EQ(as_text(as_bytes(text)), text);
}

TEST(ViewSourceTest, YieldsPiecesInOrderAndThenNothingForEver) {
  ViewSource source(as_bytes("abcde"), 2);
  EXPECT_EQ(as_text(source.next()), "ab");
  EXPECT_EQ(as_text(source.next()), "cd");
  EXPECT_EQ(as_text(source.next()), "e");
  EXPECT_TRUE(source.next().empty());
  EXPECT_TRUE(source.next().empty());
}

TEST(ReadAllTest, GathersEveryPiece) {
  ViewSource source(as_bytes("abcde"), 2);
  EXPECT_EQ(as_text(read_all(source, 100)), "abcde");
  ViewSource nothing({});
  EXPECT_TRUE(read_all(nothing, 0).empty());
}

TEST(ReadAllTest, TakesAsMuchAsTheLimitAndNoByteMore) {
  ViewSource exact(as_bytes("abcde"), 2);
  EXPECT_EQ(read_all(exact, 5).size(), 5U);
  ViewSource over(as_bytes("abcde"), 2);
  try {
    read_all(over, 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
  }
}

// printf abc | sha256sum
TEST(DigestFromHex, ReadsWhatToHexWritesAndNothingElse) {
  const std::string text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const std::optional<Digest> digest = digest_from_hex(text);
  ASSERT_TRUE(digest);
  EXPECT_EQ((*digest)[0], 0xba);
  EXPECT_EQ(to_hex(*digest), text);
  EXPECT_FALSE(digest_from_hex(text.substr(2)));
  EXPECT_FALSE(digest_from_hex(text + "00"));
  EXPECT_FALSE(digest_from_hex("BA" + text.substr(2)));
  EXPECT_FALSE(digest_from_hex("0x" + text.substr(2)));
  EXPECT_FALSE(digest_from_hex("-1" + text.substr(2)));
}

}  // namespace
}  // namespace letterbox
