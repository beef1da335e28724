// DCMTK and PS3.18 annex F, here without a sandbox but where DCMTK would die of it.
#include "dicom/attributes/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>

#include "base/error.h"
#include "dicom/attributes/json_text.h"
#include "dicom/attributes/reader.h"
#include "dicom/part10/scanner.h"
#include "dicom/sandbox/sandbox.h"
#include "tests/dicom/part10_files.h"

namespace letterbox::dicom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Attributes read(const DataSet& set) {
  static const bool loaded = (load_dictionary(), true);
  EXPECT_TRUE(loaded);
  return read_attributes(bytes_of(file_of(set)));
}

std::string json_of(const DataSet& set) {
  return read(set).json;
}

DataSet one(Tag tag, std::string_view vr, std::string_view value) {
  return DataSet().element(tag, vr, value);
}

template <typename Number>
std::string raw(Number number) {
  const auto bytes = std::bit_cast<std::array<char, sizeof number>>(number);
  return {bytes.begin(), bytes.end()};
}

TEST(Attributes, TextsAreSplitAndWithoutPadding) {
  EXPECT_EQ(json_of(one(0x00080060, "CS", "CT")), R"({"00080060":{"vr":"CS","Value":["CT"]}})");
  EXPECT_EQ(json_of(one(0x00080008, "CS", "ORIGINAL\\ \\AXIAL ")),
            R"({"00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]}})");
  EXPECT_EQ(json_of(one(0x00100020, "LO", " a \"b\"\t")),
            "{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"a \\\"b\\\"\\t\"]}}");
}

TEST(Attributes, WhatIsEmptyHasNoValue) {
  EXPECT_EQ(json_of(one(0x00100020, "LO", "")), R"({"00100020":{"vr":"LO"}})");
  EXPECT_EQ(json_of(one(0x00100020, "LO", "  ")), R"({"00100020":{"vr":"LO"}})");
  EXPECT_EQ(json_of(one(0x00400275, "SQ", "")), R"({"00400275":{"vr":"SQ"}})");
}

TEST(Attributes, ABackslashInALongTextIsText) {
  EXPECT_EQ(json_of(one(0x00104000, "LT", "  a\\b\r\nc")),
            R"({"00104000":{"vr":"LT","Value":["  a\\b\r\nc"]}})");
}

TEST(Attributes, NamesHaveGroups) {
  EXPECT_EQ(json_of(one(0x00100010, "PN", "Doe^J=x=y ")),
            R"({"00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^J","Ideographic":"x",)"
            R"("Phonetic":"y"}]}})");
  EXPECT_EQ(json_of(one(0x00100010, "PN", "==y ")),
            R"({"00100010":{"vr":"PN","Value":[{"Phonetic":"y"}]}})");
  // PS3.18 section F.2.5: a name of empty groups is an empty value, and no empty object.
  EXPECT_EQ(json_of(one(0x00100010, "PN", "==")), R"({"00100010":{"vr":"PN"}})");
  EXPECT_EQ(json_of(one(0x00081048, "PN", "==\\Doe^J ")),
            R"({"00081048":{"vr":"PN","Value":[null,{"Alphabetic":"Doe^J"}]}})");
}

TEST(Attributes, NumbersAreJsonsNumbers) {
  EXPECT_EQ(json_of(one(0x00280030, "DS", "+007.50\\.5\\-1.e3 ")),
            R"({"00280030":{"vr":"DS","Value":[7.50,0.5,-1e3]}})");
  EXPECT_EQ(json_of(one(0x00200013, "IS", "+012")), R"({"00200013":{"vr":"IS","Value":[12]}})");
  EXPECT_EQ(json_of(one(0x00280010, "US", raw(std::uint16_t{512}))),
            R"({"00280010":{"vr":"US","Value":[512]}})");
  EXPECT_EQ(json_of(one(0x00189073, "FD", raw(0.1))), R"({"00189073":{"vr":"FD","Value":[0.1]}})");
  EXPECT_EQ(json_of(one(0x00080301, "US", raw(std::uint16_t{1}))),
            R"({"00080301":{"vr":"US","Value":[1]}})");
}

TEST(Attributes, WhatADoubleWouldRoundIsAString) {
  EXPECT_EQ(json_of(one(0x00082a01, "UV", raw(std::uint64_t{1} << 53))),
            R"({"00082A01":{"vr":"UV","Value":[9007199254740992]}})");
  EXPECT_EQ(json_of(one(0x00082a01, "UV", raw(~std::uint64_t{0}))),
            R"({"00082A01":{"vr":"UV","Value":["18446744073709551615"]}})");
}

TEST(Attributes, BytesAreBase64AndTagsHexadecimal) {
  EXPECT_EQ(json_of(one(0x00420011, "OB", "\1\2\3\4")),
            R"({"00420011":{"vr":"OB","InlineBinary":"AQIDBA=="}})");
  EXPECT_EQ(json_of(DataSet().header(0x00280009, "AT", 4).put16(0x0018).put16(0x1063)),
            R"({"00280009":{"vr":"AT","Value":["00181063"]}})");
}

TEST(Attributes, SequencesHaveDataSets) {
  DataSet set;
  set.header(0x00400275, "SQ", kUndefinedLength);
  set.mark(0xfffee000, kUndefinedLength).element(0x00400007, "LO", "one ").mark(0xfffee00d);
  set.mark(0xfffee000, kUndefinedLength).mark(0xfffee00d).mark(0xfffee0dd);
  EXPECT_EQ(json_of(set),
            R"({"00400275":{"vr":"SQ","Value":[{"00400007":{"vr":"LO","Value":["one"]}},{}]}})");
}

// What annex F has no words for.
TEST(Attributes, WhatCannotBeSaidIsLeftOutAndNamed) {
  for (const auto& set : {one(0x00280030, "DS", "1,5 "), one(0x00280030, "DS", "1e999 "),
                          one(0x00200013, "IS", "1.0 "), one(0x00200013, "IS", "4294967296"),
                          one(0x00100010, "PN", "a=b=c=d "),
                          one(0x00189073, "FD", raw(std::numeric_limits<double>::infinity()))}) {
    const Attributes attributes = read(set);
    EXPECT_EQ(attributes.json, "{}");
    EXPECT_EQ(attributes.left_out.size(), 1U);
  }
}

TEST(Attributes, BytesOutsideTheCharacterSetAreReplacedAndNamed) {
  const Attributes attributes = read(one(0x00100010, "PN", "J\xe9r\xf4me"));
  EXPECT_THAT(attributes.json, HasSubstr("J\xef\xbf\xbdr\xef\xbf\xbdme"));
  EXPECT_THAT(attributes.left_out, ElementsAre("00100010"));
}

TEST(Attributes, TheCharacterSetThatIsNamedIsUtf8) {
  DataSet set;
  set.element(0x00080005, "CS", "ISO_IR 100").element(0x00100010, "PN", "J\xe9r\xf4me");
  const Attributes attributes = read(set);
  EXPECT_EQ(attributes.json,
            "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},"
            "\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\""
            "J\xc3\xa9r\xc3\xb4me\"}]}}");
  EXPECT_THAT(attributes.left_out, IsEmpty());
}

TEST(Attributes, TheLargestGoFirstWhenNotAllFit) {
  DataSet set = named();
  for (std::uint32_t i = 0; i < 20; ++i) {
    set.element(0x00291000 + i, "LT", std::string(4000, 'x'));
  }
  set.element(0x00291020, "LT", "small ");
  const Attributes attributes = read(set);
  EXPECT_LE(attributes.json.size(), kMaxAttributes);
  EXPECT_GT(attributes.json.size(), kMaxAttributes - 5000);
  EXPECT_THAT(attributes.json, HasSubstr("\"00291020\""));
  EXPECT_EQ(attributes.left_out.size(), 8U);
}

// Found by review: thousands of small elements pushed the UIDs out, and the file was refused.
TEST(Attributes, WhatNamesTheInstanceFitsAlways) {
  DataSet set = named();
  for (std::uint32_t i = 0; i < 4000; ++i) set.element(0x00291000 + i, "CS", "");
  set.uid(0x00310010, "1.2");
  const Attributes attributes = read(set);
  EXPECT_LE(attributes.json.size(), kMaxAttributes);
  for (const char* tag : {"00080016", "00080018", "0020000D", "0020000E"}) {
    EXPECT_THAT(attributes.json, HasSubstr(tag));
  }
  EXPECT_EQ(attributes.left_out.size(), 512U);
  EXPECT_EQ(attributes.left_out.back(), "FFFFFFFF");
}

TEST(Attributes, WhatIsNotDicomIsRefused) {
  EXPECT_THROW(read_attributes(bytes_of(file_of("\x08"))), Error);
}

// CVE-2026-10528: DCMTK recurses without a limit. The scanner lets nothing of this depth through;
// what it let through costs one instance.
TEST(Attributes, WhatDcmtkDiesOfCostsOneInstance) {
  DataSet deep = named();
  for (int i = 0; i < 40'000; ++i) {
    deep.header(0x00400275, "SQ", kUndefinedLength).mark(0xfffee000, kUndefinedLength);
  }
  SandboxLimits limits;
  limits.children = 1;
  Sandbox readers({.prepare = load_dictionary,
                   .answer = [](ByteView file) { return to_answer(read_attributes(file)); }},
                  limits);
  const Bytes hostile = bytes_of(file_of(deep));
  EXPECT_THROW(readers.ask(hostile).answer(), Error);
  EXPECT_NO_THROW(readers.ask(bytes_of(file_of(named()))).answer());
}

const InstanceUids kUids{.transfer_syntax = "1.2.840.10008.1.2.1",
                         .sop_class = std::string(kTextReport),
                         .sop_instance = "1.2.3.4",
                         .study = "1.2.3",
                         .series = "1.2.3.1"};

std::string answer(std::string_view more = "", std::string_view names = "") {
  return std::string(names) + '\n' + R"({"00080016":{"vr":"UI","Value":[")" +
         std::string(kTextReport) + R"("]},"00080018":{"vr":"UI","Value":["1.2.3.4"]},)" +
         R"("0020000D":{"vr":"UI","Value":["1.2.3"]},"0020000E":{"vr":"UI","Value":["1.2.3.1"]})" +
         std::string(more) + '}';
}

TEST(Answer, IsReadBack) {
  const Attributes said{.json = answer().substr(1), .left_out = {"00420011", "7FE00010"}};
  const Attributes heard = parse_answer(to_answer(said), kUids);
  EXPECT_EQ(heard.json, said.json);
  EXPECT_EQ(heard.left_out, said.left_out);
}

TEST(Answer, OfATakenOverProcessIsRefused) {
  const std::string good = answer();
  EXPECT_NO_THROW(parse_answer(bytes_of(good), kUids));
  const std::string deep = answer(",\"00400275\":" + std::string(1000, '['));
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("{}"), std::string("\n{}"),
        std::string("\n[]"), std::string("\n1"), good + "x", good.substr(0, good.size() - 1),
        answer(",\"00400275\":1"), answer(",\"00400275\":[]"), answer(",\"0040027x\":{}"),
        answer(",\"00080005\":{}"),  // out of order
        answer(",\"00400275\":{\"other\":1}"), deep, answer("", "7FE0001"), answer("", "7fe00010"),
        answer("", "7FE00010,00420011"),
        answer(",\"00400275\":{\"vr\":\"LT\",\"Value\":[\"" + std::string(50'000, 'x') + "\"]}")}) {
    EXPECT_THROW(parse_answer(bytes_of(bad), kUids), Error) << bad.substr(0, 200);
  }
}

TEST(Answer, ThatNamesAnotherInstanceIsRefused) {
  for (const auto member : {&InstanceUids::sop_class, &InstanceUids::sop_instance,
                            &InstanceUids::study, &InstanceUids::series}) {
    InstanceUids other = kUids;
    other.*member += ".9";
    EXPECT_THROW(parse_answer(bytes_of(answer()), other), Error);
  }
}

TEST(JsonText, IsUtf8Whatever) {
  std::string json;
  EXPECT_TRUE(append_string(json, "\xc3\xa9\xe5\xb1\xb1\xf0\x9f\x98\x80"));
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\x1b"}) {
    json.clear();
    EXPECT_FALSE(append_string(json, bad));
    EXPECT_THAT(json, HasSubstr("\xef\xbf\xbd"));
  }
}

}  // namespace
}  // namespace letterbox::dicom
