#include "dicom/wrap/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "dicom/wrap/composed_instance.h"

namespace letterbox::dicom {
namespace {

using namespace std::string_literals;

// The value of the one attribute, as bytes.
std::string stored(const std::string& attribute) {
  const std::string json = R"({"00104000":)" + attribute + "}";
  const Element element = parse_instance(as_bytes(json)).attributes.at(0x00104000);
  return std::string(as_text(element.value));
}

std::string refusal(const std::string& json) {
  try {
    parse_instance(as_bytes(json));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMalformed);
    return error.what();
  }
  return "";
}

std::string attribute_refusal(const std::string& attribute) {
  return refusal(R"({"00104000":)" + attribute + "}");
}

TEST(MetadataTest, WritesValuesAsTheirVrWantsThem) {
  EXPECT_EQ(stored(R"({"vr":"LO","Value":["a","bc"]})"), "a\\bc");
  EXPECT_EQ(stored(R"({"vr":"LO","Value":["a",null,"c"]})"), "a\\\\c");
  EXPECT_EQ(stored(R"({"vr":"LO","Value":[]})"), "");
  EXPECT_EQ(stored(R"({"vr":"LO"})"), "");
  EXPECT_EQ(stored(R"({"vr":"UI","Value":["1.2"]})"), "1.2\0"s);
  EXPECT_EQ(stored(R"({"vr":"LT","Value":["a\\b\r\nc"]})"), "a\\b\r\nc");
  EXPECT_EQ(stored(R"({"vr":"LO","Value":["Grün"]})"), "Gr\xc3\xbcn ");
  EXPECT_EQ(stored(R"({"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou","Ideographic":"山田"}]})"),
            "Yamada^Tarou=山田 ");
  EXPECT_EQ(stored(R"({"vr":"PN","Value":[{"Phonetic":"x"},{}]})"), "==x\\");
  EXPECT_EQ(stored(R"({"vr":"DS","Value":[0.5,"1e3",3]})"), "0.5\\1e3\\3 ");
  EXPECT_EQ(stored(R"({"vr":"DS","Value":[0.12345678901234567]})"), "0.123456789 ");
  EXPECT_EQ(stored(R"({"vr":"IS","Value":[-7]})"), "-7");
  EXPECT_EQ(stored(R"({"vr":"US","Value":[1,65535]})"), "\x01\x00\xff\xff"s);
  EXPECT_EQ(stored(R"({"vr":"SS","Value":[-2]})"), "\xfe\xff");
  EXPECT_EQ(stored(R"({"vr":"SL","Value":[-2147483648]})"), "\x00\x00\x00\x80"s);
  EXPECT_EQ(stored(R"({"vr":"UV","Value":["18446744073709551615"]})"), std::string(8, '\xff'));
  EXPECT_EQ(stored(R"({"vr":"FL","Value":[1.0]})"), "\x00\x00\x80\x3f"s);
  EXPECT_EQ(stored(R"({"vr":"FD","Value":[1]})"), "\x00\x00\x00\x00\x00\x00\xf0\x3f"s);
  EXPECT_EQ(stored(R"({"vr":"AT","Value":["00100020"]})"), "\x10\x00\x20\x00"s);
}

TEST(MetadataTest, ReadsSequences) {
  const std::string json = R"({"00400275":{"vr":"SQ","Value":[
      {"00400007":{"vr":"LO","Value":["x"]}},{"00400007":{"vr":"LO"}}]}})";
  const InstanceMetadata instance = parse_instance(as_bytes(json));
  const Element& sequence = instance.attributes.at(0x00400275);
  ASSERT_EQ(sequence.items.size(), 2);
  EXPECT_EQ(text_of(sequence.items[0], 0x00400007), "x");
  // Of one item: no character set, no group 2.
  EXPECT_EQ(sequence.items[0].size(), 1);
}

TEST(MetadataTest, SaysUtf8WhateverItSaid) {
  const std::string json = R"({"00080005":{"vr":"CS","Value":["ISO_IR 100"]}})";
  EXPECT_EQ(text_of(parse_instance(as_bytes(json)).attributes, tags::kSpecificCharacterSet),
            "ISO_IR 192");
}

TEST(MetadataTest, PassesOverWhatIsTheFilesOrNobodys) {
  const std::string json = R"({"00020010":{"vr":"UI","Value":["1.2.840.10008.1.2.4.50"]},
      "00080000":{"vr":"UL","Value":[4]}})";
  EXPECT_EQ(parse_instance(as_bytes(json)).attributes.size(), 1);  // the character set
}

TEST(MetadataTest, RefusesWhatIsntTheModels) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("{"), HasSubstr("isn't JSON"));
  EXPECT_THAT(refusal("{}\0{"s), HasSubstr("isn't JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("just one"));
  EXPECT_THAT(refusal("[{},{}]"), HasSubstr("just one"));
  EXPECT_THAT(refusal("7"), HasSubstr("isn't an object"));
  EXPECT_THAT(refusal(R"({"00104000":{"vr":"LT"},"00104000":{"vr":"LT"}})"), HasSubstr("twice"));
  for (const char* tag : {"0010400", "001040000", "0010400g", "0010a000", "+0104000", "PatientID"})
    EXPECT_THAT(refusal("{\""s + tag + R"(":{"vr":"LT"}})"), HasSubstr("hexadecimal")) << tag;
  for (const char* tag : {"00000001", "00040001", "FFFEE000", "FFFCFFFC", "7FE00001", "7FE10010"})
    EXPECT_THAT(refusal("{\""s + tag + R"(":{"vr":"LT"}})"), HasSubstr("can't be there")) << tag;
  EXPECT_THAT(attribute_refusal("7"), HasSubstr("isn't an object"));
  EXPECT_THAT(attribute_refusal("{}"), HasSubstr("without its VR"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"XX"})"), HasSubstr("VR that isn't"));
  EXPECT_THAT(attribute_refusal(R"({"vr":7})"), HasSubstr("isn't a text"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"LO","Value":"x"})"), HasSubstr("isn't an array"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"OB","BulkDataURI":"x"})"), HasSubstr("bulk data"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"OB","InlineBinary":"AA=="})"), HasSubstr("inline"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"OB","Value":[1]})"), HasSubstr("binary"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"LO","Value":["a\\b"]})"), HasSubstr("would end it"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"LO","Value":["a\nb"]})"), HasSubstr("control"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"LT","Value":["a\u001b[2J"]})"), HasSubstr("control"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"LT","Value":["a","b"]})"), HasSubstr("several values"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"LO","Value":[7]})"), HasSubstr("isn't a text"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"PN","Value":["x"]})"), HasSubstr("name"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"PN","Value":[{"Alphabetic":"a=b"}]})"),
              HasSubstr("would end it"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"PN","Value":[{"Other":"a"}]})"), HasSubstr("group"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"US","Value":[65536]})"), HasSubstr("range"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"US","Value":[-1]})"), HasSubstr("range"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"US","Value":[1.5]})"), HasSubstr("whole"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"US","Value":[null]})"), HasSubstr("whole"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"UV","Value":["18446744073709551616"]})"),
              HasSubstr("whole"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"FD","Value":["1"]})"), HasSubstr("number"));
  EXPECT_THAT(attribute_refusal(R"({"vr":"SQ","Value":[7]})"), HasSubstr("isn't an object"));
}

std::string nested(int levels) {
  std::string json = "{}";
  for (int i = 0; i < levels; ++i) json = R"({"00400275":{"vr":"SQ","Value":[)" + json + "]}}";
  return json;
}

TEST(MetadataTest, HoldsNestingWithinBounds) {
  EXPECT_EQ(refusal(nested(64)), "");
  EXPECT_THAT(refusal(nested(66)), testing::HasSubstr("nested"));
  EXPECT_THAT(refusal(std::string(500'000, '[')), testing::HasSubstr("nested"));
}

TEST(MetadataTest, HoldsSizeWithinBounds) {
  const std::string json =
      R"({"00104000":{"vr":"UT","Value":[")" + std::string(kMaxMetadata, 'x') + R"("]}})";
  try {
    parse_instance(as_bytes(json));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
  }
}

TEST(MetadataTest, FindsThePictureOfEachInstance) {
  const std::string json = R"([{"00080018":{"vr":"UI","Value":["1.2"]},
      "7FE00010":{"vr":"OB","BulkDataURI":"photo/1"}},
      {"7FE00010":{"vr":"OB","BulkDataURI":"photo/2"}}])";
  const auto instances = parse_metadata(as_bytes(json));
  ASSERT_EQ(instances.size(), 2);
  EXPECT_EQ(instances[0].bulk_data_uri, "photo/1");
  EXPECT_EQ(uids_of(instances[0].attributes).sop_instance, "1.2");
  EXPECT_EQ(instances[1].bulk_data_uri, "photo/2");
  EXPECT_FALSE(instances[0].attributes.contains(tags::kPixelData));
  for (const char* without :
       {"[]", "[{}]", "{}", R"({"7FE00010":{"vr":"OB","BulkDataURI":""}})",
        R"({"7FE00010":{"vr":"OB"}})", R"({"7FE00010":{"vr":"OB","InlineBinary":"AA=="}})"})
    EXPECT_THROW(parse_metadata(as_bytes(without)), Error) << without;
}

}  // namespace
}  // namespace letterbox::dicom
