// RFC 9110 section 14 and 13.1.5, with the RFC's own examples where it has some.
#include "gateway/byte_range.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace letterbox::gateway {
namespace {

// Sections 14.1.2 and 14.4 speak of 10000 bytes.
constexpr std::uint64_t kSize = 10000;

std::optional<ByteRange> asked(const char* field, std::uint64_t size = kSize) {
  return asked_range(field, size);
}

ErrorCode refusal(const char* field, std::uint64_t size = kSize) {
  try {
    asked(field, size);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << field << " was taken";
  return ErrorCode::kInternal;
}

TEST(ByteRange, TheExamplesOfTheStandard) {
  EXPECT_EQ(asked("bytes=0-499"), (ByteRange{0, 499}));
  EXPECT_EQ(asked("bytes=500-999"), (ByteRange{500, 999}));
  EXPECT_EQ(asked("bytes=-500"), (ByteRange{9500, 9999}));
  EXPECT_EQ(asked("bytes=9500-"), (ByteRange{9500, 9999}));
  EXPECT_EQ(content_range({42, 1233}, 1234), "bytes 42-1233/1234");
  EXPECT_EQ(content_range(1234), "bytes */1234");
}

TEST(ByteRange, EndsWhereTheRepresentationEnds) {
  EXPECT_EQ(asked("bytes=9999-20000"), (ByteRange{9999, 9999}));
  EXPECT_EQ(asked("bytes=-20000"), (ByteRange{0, 9999}));
  EXPECT_EQ(asked("bytes=0-0"), (ByteRange{0, 0}));
  // More than any number here can be.
  EXPECT_EQ(asked("bytes=1-99999999999999999999999"), (ByteRange{1, 9999}));
  EXPECT_EQ(asked("bytes=0-18446744073709551615"), (ByteRange{0, 9999}));
}

TEST(ByteRange, BytesThatDontExist) {
  for (const char* field : {"bytes=10000-", "bytes=10000-10001", "bytes=-0",
                            "bytes=99999999999999999999999-", "bytes=18446744073709551615-"}) {
    EXPECT_EQ(refusal(field), ErrorCode::kRangeNotSatisfiable) << field;
  }
}

TEST(ByteRange, MoreThanOneIsRefused) {
  EXPECT_EQ(refusal("bytes=0-0,-1"), ErrorCode::kSeveralRanges);
  EXPECT_EQ(refusal("bytes= 0-999, 4500-5499, -1000"), ErrorCode::kSeveralRanges);
  EXPECT_EQ(refusal("bytes=0-1,0-1"), ErrorCode::kSeveralRanges);
}

TEST(ByteRange, UnitsHaveNoCaseAndListsMayHaveEmptyElements) {
  EXPECT_EQ(asked("Bytes=1-2"), (ByteRange{1, 2}));
  EXPECT_EQ(asked("BYTES=1-2"), (ByteRange{1, 2}));
  EXPECT_EQ(asked("bytes= ,\t1-2 , "), (ByteRange{1, 2}));
}

TEST(ByteRange, WhatIsMalformedOrOfAnotherUnitIsIgnored) {
  EXPECT_EQ(asked_range(std::nullopt, kSize), std::nullopt);
  for (const char* field : {"",           "bytes",       "bytes=",      "bytes=,",    "bytes=-",
                            "bytes=5",    "bytes=2-1",   "bytes=a-b",   "bytes=1-2x", "bytes=+1-2",
                            "bytes=1--2", "bytes=0x1-2", "bytes=1 - 2", "bytes 1-2",  " bytes=1-2",
                            "bytes =1-2", "lines=1-2",   "byte=1-2",    "bytes=1-2;", "bytes=1-2,x",
                            "bytes=-1.0"}) {
    EXPECT_EQ(asked(field), std::nullopt) << field;
  }
}

TEST(IfRange, LetsTheRangeStandForTheSameStrongTagAlone) {
  const char* const tag = "\"xyzzy\"";
  EXPECT_TRUE(if_range_holds(std::nullopt, tag));
  EXPECT_TRUE(if_range_holds("\"xyzzy\"", tag));
  for (const char* field : {"\"other\"", "W/\"xyzzy\"", "xyzzy", "", "*",
                            "Tue, 15 Nov 1994 12:45:26 GMT", "\"xyzzy\", \"xyzzy\""}) {
    EXPECT_FALSE(if_range_holds(field, tag)) << field;
  }
}

}  // namespace
}  // namespace letterbox::gateway
