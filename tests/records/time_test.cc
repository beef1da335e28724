#include "records/time.h"

#include <gtest/gtest.h>

namespace letterbox::records {
namespace {

using std::chrono::seconds;

TEST(TimeTest, HasOneTextForm) {
  EXPECT_EQ(to_text(Time(seconds(1'795'455'000))), "2026-11-23T17:30:00Z");
  EXPECT_EQ(parse_time("2026-11-23T17:30:00Z"), Time(seconds(1'795'455'000)));
}

TEST(TimeTest, ReadsBackWhatItWrites) {
  for (const char* text :
       {"2000-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2024-02-29T12:00:01Z",
        "2038-01-19T03:14:08Z", "2100-02-28T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_text(*time), text);
  }
  EXPECT_EQ(parse_time(to_text(now())).has_value(), true);
}

TEST(TimeTest, OfADateThatDoesNotExistIsNothing) {
  for (const char* text :
       {"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-12-31T23:59:60Z", "1999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(TimeTest, OfAnyOtherFormIsNothing) {
  for (const char* text :
       {"", "2026-11-23", "2026-11-23T17:30:00", "2026-11-23T17:30:00z", "2026-11-23t17:30:00Z",
        "2026-11-23 17:30:00Z", "2026-11-23T17:30:00.0Z", "2026-11-23T17:30:00+00:00",
        "2026-11-23T17:30Z", "26-11-23T17:30:00Z", "+026-11-23T17:30:00Z", "2026-11-23T17:30:00Z ",
        " 2026-11-23T17:30:00Z", "2026-1a-23T17:30:00Z", "2026-11-23T-1:30:00Z",
        "10000-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace letterbox::records
