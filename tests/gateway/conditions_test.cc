// RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2.
#include "gateway/conditions.h"

#include <gtest/gtest.h>

namespace letterbox::gateway {
namespace {

bool strong(const char* field) {
  return lists_tag(field, "\"v2\"", TagComparison::kStrong);
}

bool weak(const char* field) {
  return lists_tag(field, "\"v2\"", TagComparison::kWeak);
}

TEST(Conditions, AListOfTagsHoldsIfTheTagIsInIt) {
  EXPECT_EQ(version_tag(2), "\"v2\"");
  for (const char* field : {"\"v2\"", "\"v1\", \"v2\"", "\"v2\",\"v3\"", "*", ",, \"v2\" ,",
                            "\"a,b\", \"v2\"", "W/\"v2\", \"v2\""}) {
    EXPECT_TRUE(strong(field)) << field;
    EXPECT_TRUE(weak(field)) << field;
  }
  for (const char* field : {"", "\"v1\"", "v2", "\"v2", "\"v2\"x", "\"V2\"", "\"v22\"",
                            "\"a,\"v2\"", "**", "\"*\"", "w/\"v2\""}) {
    EXPECT_FALSE(strong(field)) << field;
    EXPECT_FALSE(weak(field)) << field;
  }
}

// Section 8.8.3.2's table.
TEST(Conditions, AWeakTagIsEnoughForTheWeakComparisonAlone) {
  EXPECT_FALSE(strong("W/\"v2\""));
  EXPECT_TRUE(weak("W/\"v2\""));
  EXPECT_FALSE(weak("W/\"v1\""));
}

}  // namespace
}  // namespace letterbox::gateway
