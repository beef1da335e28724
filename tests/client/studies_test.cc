#include "client/studies.h"

#include <gtest/gtest.h>

namespace letterbox::client {
namespace {

struct Given {
  std::string study = "1.2.3";
  std::string series = "1.2.3.1";
  std::string instance = "1.2.3.1.1";
  std::string name = "Yamada^Tarou";
  std::string id = "4711";
  std::optional<Uuid> supersedes = {};
};

ListedFile ct(const Given& given) {
  const auto element = [](const char* tag, const char* vr, const std::string& value) {
    return '"' + std::string(tag) + R"(":{"vr":")" + vr + R"(","Value":[)" + value + "]}";
  };
  const auto quoted = [](const std::string& text) { return '"' + text + '"'; };
  records::Index index{.type = "application/dicom", .size = 100, .checked = true};
  index.attributes = '{' + element("00100010", "PN", R"({"Alphabetic":")" + given.name + "\"}") +
                     ',' + element("00100020", "LO", quoted(given.id)) + ',' +
                     element("0020000D", "UI", quoted(given.study)) + ',' +
                     element("0020000E", "UI", quoted(given.series)) + ',' +
                     element("00080018", "UI", quoted(given.instance)) + ',' +
                     element("00080060", "CS", quoted("CT")) + '}';
  index.supersedes = given.supersedes;
  return listed(Uuid::v7(), 100, index);
}

ListedDelivery delivery(std::vector<ListedFile> files, const char* sender = "pacs@clinic.example",
                        records::SealedBy sealed_by = records::SealedBy::kGateway) {
  return {Uuid::v7(), *records::Handle::parse(sender), sealed_by, std::move(files)};
}

std::vector<Study> studies_in(std::vector<ListedDelivery> deliveries) {
  mark_superseded(deliveries);
  return studies_of(deliveries);
}

TEST(Instance, SaysWhatPeopleGoBy) {
  const Instance instance = instance_of(
      R"({"00080018":{"vr":"UI","Value":["1.2"]},"00100010":{"vr":"PN","Value":[)"
      R"({"Alphabetic":"Yamada^Tarou","Ideographic":"山田^太郎"}]},)"
      R"("00100020":{"vr":"LO","Value":["4711"]},"00100030":{"vr":"DA","Value":["19701231"]},)"
      R"("0020000D":{"vr":"UI","Value":["1.3"]},"00080020":{"vr":"DA","Value":["20040119"]},)"
      R"("00081030":{"vr":"LO","Value":["e+1"]},"0020000E":{"vr":"UI","Value":["1.4"]},)"
      R"("00080060":{"vr":"CS","Value":["CT"]},"0008103E":{"vr":"LO","Value":["axial","x"]}})");
  EXPECT_EQ(instance.uid, "1.2");
  EXPECT_EQ(instance.patient_name, "Yamada^Tarou=山田^太郎");
  EXPECT_EQ(instance.patient_id, "4711");
  EXPECT_EQ(instance.born, "19701231");
  EXPECT_EQ(instance.study_uid, "1.3");
  EXPECT_EQ(instance.study_date, "20040119");
  EXPECT_EQ(instance.study_description, "e+1");
  EXPECT_EQ(instance.series_uid, "1.4");
  EXPECT_EQ(instance.modality, "CT");
  EXPECT_EQ(instance.series_description, "axial");
}

TEST(Instance, WhatIsNotInItsFormIsNotThere) {
  for (const char* odd :
       {"", "[]", "null", "{", R"({"0020000D":null})", R"({"0020000D":{}})",
        R"({"0020000D":{"vr":"UI","Value":null}})", R"({"0020000D":{"vr":"UI","Value":[]}})",
        R"({"0020000D":{"vr":"UI","Value":[1]}})", R"({"0020000D":{"vr":"UI","Value":[null]}})",
        R"({"0020000D":["1.2"],"00100010":{"vr":"PN","Value":["A^B"]}})",
        R"({"00100010":{"vr":"PN","Value":[{"Alphabetic":1}]}})"}) {
    const Instance instance = instance_of(odd);
    EXPECT_EQ(instance.study_uid, "") << odd;
    EXPECT_EQ(instance.patient_name, "") << odd;
  }
}

TEST(Instance, NamesAndDatesAreReadable) {
  EXPECT_EQ(readable_name("Yamada^Tarou=山田^太郎"), "Yamada, Tarou (山田, 太郎)");
  EXPECT_EQ(readable_name("Doe^Jane^Mary^Dr.^MD"), "Doe, Jane Mary Dr. MD");
  EXPECT_EQ(readable_name("Doe^^^Dr."), "Doe, Dr.");
  EXPECT_EQ(readable_name("Doe"), "Doe");
  EXPECT_EQ(readable_name("^Jane"), "Jane");
  EXPECT_EQ(readable_name("=山田^太郎"), "山田, 太郎");
  EXPECT_EQ(readable_name(""), "");
  EXPECT_EQ(readable_name("^^=="), "");
  EXPECT_EQ(readable_date("20040119"), "2004-01-19");
  EXPECT_EQ(readable_date("2004.01.19"), "2004.01.19");
  EXPECT_EQ(readable_date(""), "");
}

TEST(Studies, AreOneAcrossDeliveries) {
  const auto studies = studies_in({delivery({ct({.instance = "1"}), ct({.instance = "2"})}),
                                   delivery({ct({.series = "9", .instance = "3"})})});
  ASSERT_EQ(studies.size(), 1U);
  EXPECT_EQ(studies[0].instances, 3U);
  EXPECT_EQ(studies[0].first.patient_name, "Yamada^Tarou");
  ASSERT_EQ(studies[0].series.size(), 2U);
  EXPECT_EQ(studies[0].series[0].instances, 2U);
  EXPECT_EQ(studies[0].series[0].modality, "CT");
  EXPECT_EQ(studies[0].series[1].uid, "9");
  ASSERT_EQ(studies[0].parts.size(), 2U);
  EXPECT_EQ(studies[0].parts[0].instances, 2U);
  EXPECT_EQ(studies[0].parts[0].size, 200U);
}

TEST(Studies, AnInstanceThatCameTwiceCountsOnce) {
  const auto studies = studies_in({delivery({ct({})}), delivery({ct({})})});
  ASSERT_EQ(studies.size(), 1U);
  EXPECT_EQ(studies[0].instances, 1U);
  EXPECT_EQ(studies[0].series[0].instances, 1U);
  EXPECT_EQ(studies[0].parts.size(), 2U);
}

TEST(Studies, OfOtherUidsAreOthers) {
  const auto studies = studies_in({delivery({ct({}), ct({.study = "7"}), ct({.instance = "2"})})});
  ASSERT_EQ(studies.size(), 2U);
  EXPECT_EQ(studies[0].instances, 2U);
  ASSERT_EQ(studies[0].parts.size(), 1U);
  EXPECT_EQ(studies[1].first.study_uid, "7");
}

TEST(Studies, TwoPatientsInOneStudyAreShownAsTwo) {
  EXPECT_EQ(studies_in({delivery({ct({}), ct({.name = "Other^Name"})})}).size(), 2U);
  EXPECT_EQ(studies_in({delivery({ct({}), ct({.id = "4712"})})}).size(), 2U);
}

TEST(Studies, OfAnotherSenderOrSealerStayApart) {
  EXPECT_EQ(studies_in({delivery({ct({})}), delivery({ct({})}, "eve@clinic.example")}).size(), 2U);
  EXPECT_EQ(studies_in({delivery({ct({})}),
                        delivery({ct({})}, "pacs@clinic.example", records::SealedBy::kDevice)})
                .size(),
            2U);
}

TEST(Studies, ACorrectedInstanceIsMarkedAndNotCounted) {
  const ListedFile wrong = ct({});
  std::vector<ListedDelivery> deliveries = {delivery({wrong, ct({.instance = "2"})}),
                                            delivery({ct({.supersedes = wrong.file})})};
  mark_superseded(deliveries);
  const auto studies = studies_of(deliveries);
  ASSERT_EQ(studies.size(), 1U);
  EXPECT_EQ(studies[0].instances, 2U);
  EXPECT_EQ(studies[0].parts[0].superseded, 1U);
  EXPECT_EQ(studies[0].parts[0].superseding, 0U);
  EXPECT_EQ(studies[0].parts[1].superseding, 1U);
  EXPECT_TRUE(deliveries[0].files[0].is_superseded);
  EXPECT_FALSE(deliveries[0].files[1].is_superseded);
}

TEST(Studies, ACorrectionOfThePatientLeavesNothingOfTheWrongOne) {
  const ListedFile wrong = ct({.name = "Wrong^Name"});
  const auto studies = studies_in({delivery({wrong}), delivery({ct({.supersedes = wrong.file})})});
  ASSERT_EQ(studies.size(), 2U);
  EXPECT_EQ(studies[0].instances, 0U);
  EXPECT_TRUE(studies[0].series.empty());
  EXPECT_EQ(studies[1].instances, 1U);
}

TEST(Studies, NobodySupersedesAnothersFiles) {
  const ListedFile theirs = ct({});
  std::vector<ListedDelivery> deliveries = {
      delivery({theirs}), delivery({ct({.supersedes = theirs.file})}, "eve@clinic.example"),
      delivery({ct({.supersedes = theirs.file})}, "pacs@clinic.example",
               records::SealedBy::kDevice)};
  mark_superseded(deliveries);
  EXPECT_FALSE(deliveries[0].files[0].is_superseded);
}

TEST(Studies, WhatIsNoInstanceIsInNone) {
  records::Index photo{.type = "image/jpeg", .size = 1, .checked = true};
  records::Index lost{.type = "application/dicom", .size = 1, .checked = true};
  lost.attributes = "{}";
  EXPECT_TRUE(studies_in({delivery({listed(Uuid::v7(), 1, photo), listed(Uuid::v7(), 1, lost),
                                    listed(Uuid::v7(), 1, std::nullopt)})})
                  .empty());
}

TEST(Studies, AFileIsFoundByWhatPeopleKnowOfIt) {
  const ListedFile image = ct({});
  for (const char* text : {"yamada", "TAROU", "Yamada, T", "4711", "ct", "1.2.3", ""})
    EXPECT_TRUE(mentions(image, text)) << text;
  for (const char* text : {"hand", "4712", "Yamada  "}) EXPECT_FALSE(mentions(image, text)) << text;

  records::Index index{.type = "image/jpeg", .size = 1, .checked = true, .name = "IMG_7.jpg"};
  index.label = records::PhotoLabel{.patient = records::Patient{"Müller^Eva", "815", "1970-12-31"},
                                    .site = "hand",
                                    .side = {},
                                    .note = "day 3\nno swelling",
                                    .consent = {}};
  const ListedFile photo = listed(Uuid::v7(), 1, index);
  for (const char* text : {"img_7", "müller, eva", "815", "1970", "Hand", "swelling"})
    EXPECT_TRUE(mentions(photo, text)) << text;
  EXPECT_FALSE(mentions(photo, "yamada"));
  EXPECT_FALSE(mentions(listed(Uuid::v7(), 1, std::nullopt), "x"));
}

}  // namespace
}  // namespace letterbox::client
