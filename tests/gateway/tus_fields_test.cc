#include "gateway/tus_fields.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace letterbox::gateway::tus {
namespace {

constexpr const char* kDelivery = "01890a5d-ac96-774b-bcce-b302099a8057";
constexpr const char* kFile = "01890a5d-ac96-774b-bcce-b302099a8058";
// base64 of these, by coreutils.
const std::string kDeliveryPair = "delivery MDE4OTBhNWQtYWM5Ni03NzRiLWJjY2UtYjMwMjA5OWE4MDU3";
const std::string kFilePair = "file MDE4OTBhNWQtYWM5Ni03NzRiLWJjY2UtYjMwMjA5OWE4MDU4";

template <typename Parse>
bool is_refused(const Parse& parse) {
  try {
    parse();
  } catch (const Error& error) {
    return error.code() == ErrorCode::kMalformed;
  }
  return false;
}

TEST(TusFields, MetadataNamesDeliveryAndFileInAnyOrder) {
  for (const std::string& text :
       {kDeliveryPair + "," + kFilePair, kFilePair + ", " + kDeliveryPair}) {
    const Metadata metadata = parse_metadata(text);
    EXPECT_EQ(metadata.delivery.text(), kDelivery);
    EXPECT_EQ(metadata.file.text(), kFile);
    EXPECT_EQ(metadata_text(metadata), kDeliveryPair + "," + kFilePair);
  }
}

TEST(TusFields, MetadataHasNothingElseInIt) {
  const std::string both = kDeliveryPair + "," + kFilePair;
  for (const std::string& text :
       {std::string(), kDeliveryPair, kFilePair, both + ",filename bmFtZQ==",
        both + "," + kFilePair, both + ",", "delivery," + kFilePair, "delivery " + kFilePair,
        "Delivery" + kDeliveryPair.substr(8) + "," + kFilePair, both + ",is_confidential"}) {
    EXPECT_TRUE(is_refused([&] { parse_metadata(text); })) << text;
  }
  EXPECT_TRUE(is_refused([] { parse_metadata(std::nullopt); }));
}

TEST(TusFields, CountsAreDigits) {
  EXPECT_EQ(parse_count("0"), 0u);
  EXPECT_EQ(parse_count("18446744073709551615"), 18446744073709551615u);
  for (const char* text : {"", "-1", "+1", "1.5", " 1", "0x10", "18446744073709551616"}) {
    EXPECT_TRUE(is_refused([&] { parse_count(text); })) << text;
  }
  EXPECT_TRUE(is_refused([] { parse_count(std::nullopt); }));
}

TEST(TusFields, ChecksumsAreSha256) {
  // Of no bytes, by sha256sum.
  EXPECT_EQ(to_hex(parse_checksum("sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (const char* text : {"", "sha256", "sha256 ", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
                           "sha256 AAAA", "SHA256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                           "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"}) {
    EXPECT_TRUE(is_refused([&] { parse_checksum(text); })) << text;
  }
}

}  // namespace
}  // namespace letterbox::gateway::tus
