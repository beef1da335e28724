#include "gateway/routes/target.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"

namespace letterbox::gateway {
namespace {

using Segments = std::vector<std::string>;

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(Target, TakesAPathApart) {
  EXPECT_EQ(Target("/v1/files", "").segments(), (Segments{"v1", "files"}));
  EXPECT_EQ(Target("/", "").segments(), (Segments{""}));
  EXPECT_EQ(Target("/v1//files/", "").segments(), (Segments{"v1", "", "files", ""}));
}

TEST(Target, LeavesAnEncodedPathAsItIs) {
  EXPECT_EQ(Target("/v1/%66iles", "").segments(), (Segments{"v1", "%66iles"}));
}

TEST(Target, GivesEveryValueOfAParameterInOrder) {
  const Target target("/", "to=a&x=1&to=b&to=");
  EXPECT_EQ(target.all("to"), (Segments{"a", "b", ""}));
  EXPECT_EQ(target.all("none"), Segments{});
}

TEST(Target, DecodesParameters) {
  const Target target("/", "to=surgeon%40hospital.example&plus=a+b&%74o=x");
  EXPECT_EQ(target.all("to"), (Segments{"surgeon@hospital.example", "x"}));
  EXPECT_EQ(target.one("plus"), "a+b");
}

TEST(Target, DecodesAnEncodingAtTheVeryEnd) {
  EXPECT_EQ(Target("/", "to=%41").one("to"), "A");
}

TEST(Target, RefusesABadEncoding) {
  for (const char* query : {"to=%", "to=%4", "to=%zz", "to=%4g", "%=1"}) {
    EXPECT_EQ(code_of([&] { Target("/", query); }), ErrorCode::kMalformed) << query;
  }
}

TEST(Target, RefusesAParameterThatMayComeOnceAndComesTwice) {
  EXPECT_EQ(code_of([] { Target("/", "id=1&id=1").one("id"); }), ErrorCode::kMalformed);
}

TEST(Target, RefusesAnUnknownParameter) {
  const Target target("/", "to=a&tO=b");
  EXPECT_EQ(code_of([&] { target.allow_only({"to"}); }), ErrorCode::kMalformed);
  EXPECT_NO_THROW(target.allow_only({"to", "tO"}));
}

}  // namespace
}  // namespace letterbox::gateway
