#include "records/handle.h"

#include <gtest/gtest.h>

namespace letterbox::records {
namespace {

TEST(HandleTest, IsNameAtTenant) {
  for (const char* text :
       {"ada@clinic.example", "a@b", "0@0", "x.y_z-1@st-mary.hospital.example", "a-@b", "a.@b"}) {
    const auto handle = Handle::parse(text);
    ASSERT_TRUE(handle) << text;
    EXPECT_EQ(handle->text(), text);
  }
}

TEST(HandleTest, PartsHaveOneTo64Characters) {
  const std::string longest(64, 'a');
  EXPECT_TRUE(Handle::parse(longest + "@" + longest));
  EXPECT_FALSE(Handle::parse(longest + "a@b"));
  EXPECT_FALSE(Handle::parse("a@" + longest + "a"));
  EXPECT_FALSE(Handle::parse("@b"));
  EXPECT_FALSE(Handle::parse("a@"));
}

TEST(HandleTest, OfAnyOtherFormIsNothing) {
  for (const char* text : {"",
                           "@",
                           "ada",
                           "ada@",
                           "@clinic",
                           "Ada@clinic",
                           "ada@Clinic",
                           "ada@@clinic",
                           "ada@cli@nic",
                           ".ada@clinic",
                           "_ada@clinic",
                           "-ada@clinic",
                           "ada@.clinic",
                           "ada@clinic.",
                           "ada@-clinic",
                           "ada@clinic-",
                           "ada@cli_nic",
                           "ada @clinic",
                           " ada@clinic",
                           "ada@clinic ",
                           "ada@clinic\n",
                           "ad\xc3\xa4@clinic",
                           "ada+x@clinic",
                           "ada/x@clinic",
                           "age1xyz"}) {
    EXPECT_FALSE(Handle::parse(text)) << text;
  }
  EXPECT_FALSE(Handle::parse(std::string_view("a\0@b", 4)));
  EXPECT_FALSE(Handle::parse(std::string_view("a@b\0", 4)));
}

}  // namespace
}  // namespace letterbox::records
