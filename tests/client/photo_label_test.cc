#include "client/photo_label.h"

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

void expect_unusable(const LabelOptions& options) {
  EXPECT_EQ(thrown_by([&] { label_of(options); }), ErrorCode::kUsage);
}

TEST(PhotoLabel, SaysWhatWasSaid) {
  const auto label = label_of({.patient = "Müller^Eva",
                               .patient_id = "4711",
                               .born = "1970-12-31",
                               .body_site = "hand",
                               .side = "left",
                               .note = "day 3\nno swelling",
                               .consent = "written"});
  ASSERT_TRUE(label && label->patient);
  EXPECT_EQ(label->patient->name, "Müller^Eva");
  EXPECT_EQ(label->patient->id, "4711");
  EXPECT_EQ(label->patient->born, "1970-12-31");
  EXPECT_EQ(label->site, "hand");
  EXPECT_EQ(label->side, records::Side::kLeft);
  EXPECT_EQ(label->note, "day 3\nno swelling");
  EXPECT_EQ(label->consent, "written");
}

TEST(PhotoLabel, IsNoneWhereNothingWasSaid) {
  EXPECT_FALSE(label_of({}));
}

TEST(PhotoLabel, ANumberDoesForAPatient) {
  const auto label = label_of({.patient_id = "4711"});
  ASSERT_TRUE(label && label->patient);
  EXPECT_FALSE(label->patient->name);
}

TEST(PhotoLabel, SaysThatThereIsNoPatient) {
  const auto label = label_of({.no_patient = true, .note = "the room"});
  ASSERT_TRUE(label);
  EXPECT_FALSE(label->patient);
}

TEST(PhotoLabel, DoesNotLeaveThePatientOpen) {
  expect_unusable({.born = "1970-12-31"});
  expect_unusable({.body_site = "hand"});
  expect_unusable({.note = "day 3"});
}

TEST(PhotoLabel, APatientAndNoneExcludeEachOther) {
  expect_unusable({.patient = "Müller^Eva", .no_patient = true});
  expect_unusable({.patient_id = "4711", .no_patient = true});
  expect_unusable({.born = "1970-12-31", .no_patient = true});
}

TEST(PhotoLabel, ABirthDateIsADayThatWas) {
  for (const char* bad :
       {"", "1970-12-32", "1970-02-30", "31.12.1970", "1970-1-1", "70-12-31", "1970-12-31 ",
        "+970-12-31", "1970/12/31", "2999-01-01", "1970-+1-01", "1970-12-3x"})
    expect_unusable({.patient = "A^B", .born = bad});
  EXPECT_TRUE(label_of({.patient = "A^B", .born = "2000-02-29"}));
}

TEST(PhotoLabel, TakesNothingThatALabelCannotHold) {
  for (const char* bad : {"", "a\033[2Jb", "caf\xe9"}) {
    expect_unusable({.patient = bad});
    expect_unusable({.no_patient = true, .body_site = bad});
    expect_unusable({.no_patient = true, .note = bad});
    expect_unusable({.no_patient = true, .consent = bad});
  }
  expect_unusable({.patient = std::string(records::kMaxText + 1, 'x')});
  for (const char* bad : {"", "Left", "front"}) expect_unusable({.no_patient = true, .side = bad});
}

}  // namespace
}  // namespace letterbox::client
