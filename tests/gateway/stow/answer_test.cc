// The Store Instances Response Module, read by others' parsers.
#include "gateway/stow/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "base/error.h"

namespace letterbox::gateway::stow {
namespace {

using nlohmann::json;

const InstanceName kCt{"1.2.840.10008.5.1.4.1.1.2", "1.2.3"};
const InstanceName kMr{"1.2.840.10008.5.1.4.1.1.4", "1.2.4"};
const Answer kMixed{{kCt, kMr},
                    {{kMr, Reason::kDuplicate}, {kCt, Reason::kTransferSyntax}},
                    {Reason::kCannotUnderstand}};

TEST(StowAnswer, ItsStatusSaysHowMuchWasStored) {
  EXPECT_EQ((Answer{{kCt}, {}, {}}).status(), 200);
  EXPECT_EQ((Answer{{kCt}, {{kMr, Reason::kDuplicate}}, {}}).status(), 202);
  EXPECT_EQ((Answer{{kCt}, {}, {Reason::kCannotUnderstand}}).status(), 202);
  EXPECT_EQ((Answer{{}, {{kMr, Reason::kDuplicate}}, {}}).status(), 409);
  EXPECT_EQ((Answer{{}, {}, {Reason::kCannotUnderstand}}).status(), 409);
}

TEST(StowAnswer, IsDicomJson) {
  const auto uid = [](const char* value) { return json{{"vr", "UI"}, {"Value", {value}}}; };
  const auto reason = [](int value) { return json{{"vr", "US"}, {"Value", {value}}}; };
  const json url{{"vr", "UR"}};
  const json expected{
      {"00081190", url},
      {"00081198",
       {{"vr", "SQ"},
        {"Value",
         {{{"00081150", uid("1.2.840.10008.5.1.4.1.1.4")},
           {"00081155", uid("1.2.4")},
           {"00081197", reason(0x0111)}},
          {{"00081150", uid("1.2.840.10008.5.1.4.1.1.2")},
           {"00081155", uid("1.2.3")},
           {"00081197", reason(0xC122)}}}}}},
      {"00081199",
       {{"vr", "SQ"},
        {"Value",
         {{{"00081150", uid("1.2.840.10008.5.1.4.1.1.2")},
           {"00081155", uid("1.2.3")},
           {"00081190", url}},
          {{"00081150", uid("1.2.840.10008.5.1.4.1.1.4")},
           {"00081155", uid("1.2.4")},
           {"00081190", url}}}}}},
      {"0008119A", {{"vr", "SQ"}, {"Value", json::array({json{{"00081197", reason(0xC000)}}})}}}};
  EXPECT_EQ(json::parse(to_text(kMixed, Form::kJson)), expected);
}

TEST(StowAnswer, WarnsOfWhatIsntKeptAsItWasSent) {
  const Answer answer{{kMr}, {}, {}, {{kCt, Warning::kDiscarded}, {kMr, Warning::kCoerced}}};
  EXPECT_EQ(answer.status(), 202);
  EXPECT_EQ((Answer{{}, {}, {}, {{kCt, Warning::kCoerced}}}).status(), 202);
  const json stored = json::parse(to_text(answer, Form::kJson)).at("00081199").at("Value");
  ASSERT_EQ(stored.size(), 3U);
  EXPECT_FALSE(stored[0].contains("00081196"));
  EXPECT_EQ(stored[1].at("00081196"), (json{{"vr", "US"}, {"Value", {0xB006}}}));
  EXPECT_EQ(stored[2].at("00081196"), (json{{"vr", "US"}, {"Value", {0xB000}}}));
}

TEST(StowAnswer, TagsAscend) {
  const std::string text = to_text(kMixed, Form::kJson);
  EXPECT_LT(text.find("00081190"), text.find("00081198"));
  EXPECT_LT(text.find("00081198"), text.find("00081199"));
  EXPECT_LT(text.find("00081199"), text.find("0008119A"));
}

TEST(StowAnswer, WhatDidntHappenIsntThere) {
  EXPECT_EQ(json::parse(to_text({{kCt}, {}, {}}, Form::kJson)).size(), 2U);
  EXPECT_EQ(to_text({{}, {}, {}}, Form::kJson), R"({"00081190":{"vr":"UR"}})");
}

TEST(StowAnswer, IsANativeDicomModel) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(to_text(kMixed, Form::kXml).c_str()));
  const pugi::xml_node model = document.document_element();
  EXPECT_STREQ(model.name(), "NativeDicomModel");
  EXPECT_STREQ(model.attribute("xmlns").value(), "http://dicom.nema.org/PS3.19/models/NativeDICOM");
  const auto attribute = [](pugi::xml_node in, const char* tag) {
    return in.find_child_by_attribute("DicomAttribute", "tag", tag);
  };
  EXPECT_FALSE(attribute(model, "00081190").first_child());
  const pugi::xml_node failed = attribute(model, "00081198");
  EXPECT_STREQ(failed.attribute("vr").value(), "SQ");
  EXPECT_STREQ(failed.attribute("keyword").value(), "FailedSOPSequence");
  const pugi::xml_node second = failed.find_child_by_attribute("Item", "number", "2");
  EXPECT_STREQ(attribute(second, "00081155").child_value("Value"), "1.2.3");
  EXPECT_STREQ(attribute(second, "00081197").child_value("Value"), "49442");
  EXPECT_TRUE(attribute(attribute(model, "00081199").child("Item"), "00081190"));
  EXPECT_STREQ(
      attribute(attribute(model, "0008119A").child("Item"), "00081197").child_value("Value"),
      "49152");
}

TEST(StowAnswer, NothingButUidsGetsIn) {
  for (const char* text : {"", "1.2\"", "<x>", "../etc"}) {
    for (const Form form : {Form::kJson, Form::kXml}) {
      EXPECT_THROW(to_text({{{"1.2", text}}, {}, {}}, form), Error) << text;
    }
  }
}

}  // namespace
}  // namespace letterbox::gateway::stow
