#include "crypto/base64.h"

#include <gtest/gtest.h>

#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

TEST(Base64, AgreesWithRfc4648Section10) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain), Padding::kRequired), text);
    EXPECT_EQ(as_text(base64_decode(text, Padding::kRequired).value()), plain);
  }
}

TEST(Base64, GivesBackEveryLengthAndEveryByte) {
  for (std::size_t size = 0; size < 300; ++size) {
    const Bytes bytes = some_bytes(size, static_cast<std::uint32_t>(size));
    for (const Padding padding : {Padding::kNone, Padding::kRequired})
      EXPECT_EQ(base64_decode(base64_encode(bytes, padding), padding), bytes);
  }
}

TEST(Base64, RefusesEverythingThatItWouldNotWrite) {
  for (const char* text :
       {"Zg==", "Zm8=", "Z", "Zm9vY", "Zm9v\n", " Zm9v", "Zm9_", "Zm9-", "Zh", "Zm9", "Zm9v="}) {
    EXPECT_FALSE(base64_decode(text, Padding::kNone)) << text;
  }
  EXPECT_FALSE(base64_decode(std::string_view("Zg\0", 3), Padding::kNone));
  for (const char* text : {"Zg", "Zg=", "Zm8", "Zh==", "Zm9=", "=", "==", "===", "====", "Z===",
                           "Zm9v====", "Zg==Zg==", "Zg==\n", "Z=g=", "Zm9v=", "Zm9vZ==="}) {
    EXPECT_FALSE(base64_decode(text, Padding::kRequired)) << text;
  }
}

}  // namespace
}  // namespace letterbox::crypto
