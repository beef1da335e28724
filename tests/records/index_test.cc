#include "records/index.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

const std::string kCt =
    R"({"type":"application/dicom","size":526336,"checked":true,"name":"IM0001.dcm",)"
    R"("attributes":{"00100010":{"Value":[{"Alphabetic":"Yamada^Tarou"}],"vr":"PN"}},)"
    R"("left_out":["7FE00010"],"captured":null,"dropped":[],"label":null,"supersedes":null})";
const std::string kPhoto =
    R"({"type":"image/jpeg","size":161713,"checked":true,"name":null,"attributes":null,)"
    R"("left_out":[],"captured":"2026-11-23T17:30:00+01:00","dropped":["EXIF","thumbnail"],)"
    R"("label":{"patient":{"name":"Müller^Eva","id":"4711","born":"1970-12-31"},"site":"hand",)"
    R"("side":"left","note":"day 3\nno swelling","consent":"written"},"supersedes":null})";

std::string text_of(const Index& index) {
  return std::string(as_text(index_bytes(index)));
}

void expect_refused(const std::string& text) {
  EXPECT_EQ(thrown_by([&] { parse_index(as_bytes(text)); }), ErrorCode::kMalformed) << text;
}

void expect_refused(const Index& index) {
  EXPECT_EQ(thrown_by([&] { index_bytes(index); }), ErrorCode::kMalformed);
}

Index photo() {
  return parse_index(as_bytes(kPhoto));
}

TEST(IndexTest, WritesWhatItReads) {
  EXPECT_EQ(text_of(parse_index(as_bytes(kCt))), kCt);
  EXPECT_EQ(text_of(photo()), kPhoto);
}

TEST(IndexTest, ReadsEachMember) {
  const Index ct = parse_index(as_bytes(kCt));
  EXPECT_EQ(ct.type, "application/dicom");
  EXPECT_EQ(ct.size, 526336U);
  EXPECT_TRUE(ct.checked);
  EXPECT_EQ(ct.name, "IM0001.dcm");
  EXPECT_EQ(ct.attributes, R"({"00100010":{"Value":[{"Alphabetic":"Yamada^Tarou"}],"vr":"PN"}})");
  EXPECT_EQ(ct.left_out, std::vector<std::string>{"7FE00010"});
  EXPECT_FALSE(ct.label);

  const Index taken = photo();
  EXPECT_EQ(taken.captured, "2026-11-23T17:30:00+01:00");
  EXPECT_EQ(taken.dropped, (std::vector<std::string>{"EXIF", "thumbnail"}));
  ASSERT_TRUE(taken.label && taken.label->patient);
  EXPECT_EQ(taken.label->patient->name, "Müller^Eva");
  EXPECT_EQ(taken.label->patient->id, "4711");
  EXPECT_EQ(taken.label->patient->born, "1970-12-31");
  EXPECT_EQ(taken.label->site, "hand");
  EXPECT_EQ(taken.label->side, Side::kLeft);
  EXPECT_EQ(taken.label->note, "day 3\nno swelling");
  EXPECT_EQ(taken.label->consent, "written");
}

TEST(IndexTest, TellsNoPatientFromNoLabel) {
  Index index = photo();
  index.label->patient.reset();
  EXPECT_NE(text_of(index).find(R"("label":{"patient":null,)"), std::string::npos);
  const Index read = parse_index(index_bytes(index));
  ASSERT_TRUE(read.label);
  EXPECT_FALSE(read.label->patient);
  index.label.reset();
  EXPECT_FALSE(parse_index(index_bytes(index)).label);
}

TEST(IndexTest, NamesWhatItCorrects) {
  const Uuid earlier = Uuid::v7();
  Index index = parse_index(as_bytes(kCt));
  index.supersedes = earlier;
  EXPECT_EQ(parse_index(index_bytes(index)).supersedes, earlier);
}

TEST(IndexTest, HasExactlyItsMembers) {
  expect_refused(with(kCt, R"("name":"IM0001.dcm",)", ""));
  expect_refused(with(kCt, R"("name")", R"("title":"","name")"));
  expect_refused(with(kCt, R"("name")", R"("size":526336,"name")"));
  expect_refused(with(kPhoto, R"("site":"hand",)", ""));
  expect_refused(with(kPhoto, R"("id":"4711",)", ""));
}

TEST(IndexTest, RefusesValuesThatCantBe) {
  expect_refused(with(kCt, "526336", "-1"));
  expect_refused(with(kCt, "true", "1"));
  expect_refused(with(kCt, "application/dicom", "text/html"));
  expect_refused(with(kCt, "7FE00010", "7fe00010"));
  expect_refused(with(kCt, "7FE00010", "7FE0001"));
  expect_refused(with(kPhoto, R"("left")", R"("front")"));
  expect_refused(with(kPhoto, "1970-12-31", "31.12.1970"));
  expect_refused(with(kPhoto, R"("hand")", R"("")"));
  expect_refused(with(kPhoto, R"("hand")", R"("ha\u001bnd")"));
  expect_refused(with(kPhoto, R"("hand")", R"("ha\nnd")"));
  expect_refused(with(kPhoto, R"("written")", '"' + std::string(kMaxText + 1, 'x') + '"'));
}

TEST(IndexTest, ItsTypeSaysWhatElseItHas) {
  expect_refused(with(kCt, "application/dicom", "image/png"));
  expect_refused(with(kCt, R"("captured":null)", R"("captured":"2026")"));
  expect_refused(with(kCt, "true", "false"));
  expect_refused(with(kPhoto, "image/jpeg", "application/octet-stream"));
  Index attachment{.type = std::string(kUncheckedType), .size = 3, .checked = false};
  EXPECT_FALSE(parse_index(index_bytes(attachment)).checked);
  attachment.checked = true;
  expect_refused(attachment);
}

TEST(IndexTest, APatientHasANameOrANumber) {
  Index index = photo();
  index.label->patient->name.reset();
  EXPECT_EQ(parse_index(index_bytes(index)).label->patient->id, "4711");
  index.label->patient->id.reset();
  expect_refused(index);
}

TEST(IndexTest, RefusesATextThatIsntUtf8) {
  Index index = photo();
  index.name = "caf\xe9.jpg";
  expect_refused(index);
}

TEST(IndexTest, TakesNothingButAttributesFromTheirText) {
  for (const char* text :
       {R"({},"left_out":[])", R"({},"more":1)", R"({}}{)", "{", "", "7", "{},"}) {
    Index index = parse_index(as_bytes(kCt));
    index.attributes = text;
    expect_refused(index);
  }
}

TEST(IndexTest, NestsAsDeepAsSequencesMay) {
  const auto nested = [](int levels) {
    std::string item = "{}";
    for (int i = 0; i < levels; ++i) {
      item = R"({"00081140":{"vr":"SQ","Value":[)" + item + "]}}";
    }
    Index index = parse_index(as_bytes(kCt));
    index.attributes = item;
    return index;
  };
  EXPECT_NO_THROW(index_bytes(nested(64)));
  expect_refused(nested(66));
}

TEST(IndexTest, IsOneChunkAtMost) {
  Index index = parse_index(as_bytes(kCt));
  index.attributes =
      R"({"00104000":{"vr":"LT","Value":[")" + std::string(kMaxIndexSize, 'x') + R"("]}})";
  EXPECT_EQ(thrown_by([&] { index_bytes(index); }), ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace letterbox::records
