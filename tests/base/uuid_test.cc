#include "base/uuid.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace letterbox {
namespace {

std::uint64_t milliseconds_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

TEST(UuidTest, Version7HasTheLayoutOfRfc9562) {
  const std::uint64_t before = milliseconds_now();
  const Uuid uuid = Uuid::v7();
  const std::uint64_t after = milliseconds_now();

  std::uint64_t milliseconds = 0;
  for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | uuid.bytes()[i];
  EXPECT_LE(before, milliseconds);
  EXPECT_LE(milliseconds, after);
  EXPECT_EQ(uuid.bytes()[6] >> 4, 7);
  EXPECT_EQ(uuid.bytes()[8] >> 6, 0b10);
}

TEST(UuidTest, NoTwoAreEqualAndEachRandomBitVaries) {
  std::set<Uuid> seen;
  std::array<Byte, 16> ever_set{};
  std::array<Byte, 16> always_set{};
  always_set.fill(0xff);
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::v7();
    seen.insert(uuid);
    for (std::size_t k = 0; k < 16; ++k) {
      ever_set[k] |= uuid.bytes()[k];
      always_set[k] &= uuid.bytes()[k];
    }
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(ever_set[6], 0x7f);
  EXPECT_EQ(always_set[6], 0x70);
  EXPECT_EQ(ever_set[8], 0xbf);
  EXPECT_EQ(always_set[8], 0x80);
  for (const std::size_t k : {7U, 9U, 10U, 11U, 12U, 13U, 14U, 15U}) {
    EXPECT_EQ(ever_set[k], 0xff);
    EXPECT_EQ(always_set[k], 0x00);
  }
}

TEST(UuidTest, TextAndBytesReadBack) {
  const char* text = "01997d3c-5a00-7abc-8def-0123456789ab";
  const auto uuid = Uuid::parse(text);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->text(), text);
  EXPECT_EQ(to_hex(uuid->bytes()), "01997d3c5a007abc8def0123456789ab");
  EXPECT_EQ(Uuid::from_bytes(uuid->bytes()), *uuid);
  const Uuid fresh = Uuid::v7();
  EXPECT_EQ(Uuid::parse(fresh.text()), fresh);
}

TEST(UuidTest, OrderIsThatOfTime) {
  EXPECT_LT(Uuid::parse("01997d3c-5a00-7fff-bfff-ffffffffffff"),
            Uuid::parse("01997d3c-5a01-7000-8000-000000000000"));
}

TEST(UuidTest, ParsesTheCanonicalFormOnly) {
  for (const char* text :
       {"", "01997d3c-5a00-7abc-8def-0123456789a", "01997d3c-5a00-7abc-8def-0123456789abc",
        "01997D3C-5A00-7ABC-8DEF-0123456789AB", "01997d3c5a007abc8def0123456789ab",
        "{01997d3c-5a00-7abc-8def-0123456789ab}", "01997d3c-5a00-7abc-8def-0123456789ag",
        "01997d3c-5a007-abc-8def-0123456789ab", "01997d3c-5a00-7abc-8def_0123456789ab",
        " 1997d3c-5a00-7abc-8def-0123456789ab", "+1997d3c-5a00-7abc-8def-0123456789ab",
        // version 4, the variants 0xxx and 11xx, nil
        "01997d3c-5a00-4abc-8def-0123456789ab", "01997d3c-5a00-7abc-7def-0123456789ab",
        "01997d3c-5a00-7abc-cdef-0123456789ab", "00000000-0000-0000-0000-000000000000"}) {
    EXPECT_FALSE(Uuid::parse(text)) << text;
  }
}

}  // namespace
}  // namespace letterbox
