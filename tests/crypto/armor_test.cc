#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "crypto/passphrase_file.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

constexpr std::string_view kBegin = "-----BEGIN AGE ENCRYPTED FILE-----\n";
constexpr std::string_view kEnd = "-----END AGE ENCRYPTED FILE-----\n";

std::string armored(ByteView bytes) {
  const std::string text = base64_encode(bytes, Padding::kRequired);
  std::string file(kBegin);
  for (std::size_t at = 0; at < text.size(); at += 64) file += text.substr(at, 64) + '\n';
  return file + std::string(kEnd);
}

Bytes dearmor(std::string_view text, std::size_t piece = SIZE_MAX) {
  ViewSource source(as_bytes(text), piece);
  Dearmor binary(source);
  return read_all(binary, SIZE_MAX);
}

TEST(Dearmor, GivesBackWhatWasArmoredWhateverThePieces) {
  for (const std::size_t size :
       std::initializer_list<std::size_t>{1, 2, 3, 47, 48, 49, 96, 100'000}) {
    const Bytes bytes = some_bytes(size);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{63}, std::size_t{65}, SIZE_MAX})
      EXPECT_EQ(dearmor(armored(bytes), piece), bytes) << size << " in pieces of " << piece;
  }
}

TEST(Dearmor, PassesABinaryFileOnUntouched) {
  const std::string file = "age-encryption.org/v1\n\nand \xff what \r\n follows";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{20}, SIZE_MAX})
    EXPECT_EQ(as_text(dearmor(file, piece)), file);
}

TEST(Dearmor, ToleratesWhiteSpaceAroundTheBlockAlone) {
  const Bytes bytes = some_bytes(100);
  EXPECT_EQ(dearmor(" \t\r\n" + armored(bytes) + "\n \r\n"), bytes);
  EXPECT_EQ(code_of([&] { dearmor(armored(bytes) + "x"); }), ErrorCode::kMalformed);
  EXPECT_EQ(code_of([&] { dearmor("x" + armored(bytes)); }), ErrorCode::kMalformed);
  EXPECT_EQ(code_of([&] { dearmor(std::string(5000, ' ') + armored(bytes)); }),
            ErrorCode::kMalformed);
}

TEST(Dearmor, RefusesAFileCutAnywhere) {
  const std::string whole = armored(some_bytes(200));
  // The last line feed is optional.
  for (std::size_t size = 0; size + 1 < whole.size(); ++size)
    EXPECT_EQ(code_of([&] { dearmor(whole.substr(0, size)); }), ErrorCode::kMalformed) << size;
}

TEST(Dearmor, RefusesWhatIsNeitherAgeNorArmor) {
  for (const char* text : {"", "hello", "age-encryption.or", "-----BEGIN PGP MESSAGE-----\n"})
    EXPECT_EQ(code_of([&] { dearmor(text); }), ErrorCode::kMalformed) << text;
  EXPECT_EQ(code_of([&] { dearmor(std::string(1 << 20, '-')); }), ErrorCode::kMalformed);
}

TEST(LooksLikeAge, TellsAgeFilesFromOthers) {
  EXPECT_TRUE(looks_like_age(as_bytes("age-encryption.org/v1\n")));
  EXPECT_TRUE(looks_like_age(as_bytes(" \r\n" + std::string(kBegin))));
  EXPECT_FALSE(looks_like_age(as_bytes("AGE-SECRET-KEY-1QQQ")));
  EXPECT_FALSE(looks_like_age(as_bytes("# created: 2024\nAGE-SECRET-KEY-1QQQ")));
  EXPECT_FALSE(looks_like_age({}));
}

}  // namespace
}  // namespace letterbox::crypto
