#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace letterbox {
namespace {

TEST(ErrorTest, SaysWhereItWasMade) {
  const Error error(ErrorCode::kNotFound, "no such thing");
  const int line = __LINE__ - 1;
  EXPECT_EQ(error.where().line, line);
  EXPECT_NE(std::string(error.where().file).find("error_test.cc"), std::string::npos);
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_STREQ(error.what(), "no such thing");
}

TEST(ErrorTest, EveryCodeHasAName) {
  std::set<std::string> names;
  const auto last = static_cast<int>(ErrorCode::kInternal);
  for (int code = 0; code <= last; ++code) names.insert(to_string(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_EQ(names.count("Unknown"), 0U);
  EXPECT_STREQ(to_string(ErrorCode::kNotFound), "NotFound");
}

}  // namespace
}  // namespace letterbox
