#include "base/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace letterbox {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kDepth = 3;

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(JsonText, IsFine) {
  for (const char* text :
       {"1", "null", "\"a\"", "[]", "{}", " {\"a\": [1, {\"b\": 2.5e3}]} \n", "[[[1]]]", "[[[[]]]]",
        R"([{"a":1},{"a":1}])", R"({"a":{"a":{"a":true}}})"}) {
    EXPECT_FALSE(fault_in_json(text, kDepth)) << text;
  }
}

TEST(JsonText, IsNone) {
  for (const std::string_view text :
       {""sv, "{"sv, "[1,]"sv, "{} {}"sv, "{'a':1}"sv, "[1e999]"sv, "\"\xff\""sv,
        "\xef\xbb\xbf{}"sv, "{}\0"sv, "[\"\\ud800\"]"sv, "nul"sv}) {
    EXPECT_EQ(fault_in_json(text, kDepth), "isn't JSON") << text;
  }
}

TEST(JsonText, HasAMemberTwice) {
  for (const char* text : {R"({"a":1,"a":2})", R"([{"b":{"a":1,"\u0061":1}}])"}) {
    EXPECT_EQ(fault_in_json(text, kDepth), "has a member twice") << text;
  }
}

TEST(JsonText, IsNestedTooDeeply) {
  for (const char* text : {"[[[[1]]]]", "[[[[[]]]]]", R"({"a":[{"b":[0]}]})"}) {
    EXPECT_EQ(fault_in_json(text, kDepth), "is nested too deeply") << text;
  }
  EXPECT_EQ(fault_in_json(repeated("[", 1'000'000), kDepth), "is nested too deeply");
  EXPECT_EQ(fault_in_json(repeated("{\"a\":", 1'000'000), kDepth), "is nested too deeply");
}

// Where the time grew with the square of what a container holds, this took hours.
TEST(JsonText, TakesNoLongerForManySmallValues) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(fault_in_json("[{}" + repeated(",{}", 350'000) + "]", kDepth));
    EXPECT_FALSE(fault_in_json("[[]" + repeated(",[]", 350'000) + "]", kDepth));
  }
}

}  // namespace
}  // namespace letterbox
