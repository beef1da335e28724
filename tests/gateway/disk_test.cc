#include "gateway/disk.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace letterbox::gateway {
namespace {

constexpr std::uint64_t kAll = std::uint64_t{1} << 62;

TEST(Disk, HasRoomAboveItsReserve) {
  EXPECT_TRUE(Disk("/", 0, true).has_room());
  EXPECT_NO_THROW(Disk("/", 0, true).require_room());
  EXPECT_FALSE(Disk("/", kAll, true).has_room());
  EXPECT_THROW(Disk("/", kAll, true).require_room(), Error);
}

TEST(Disk, ADirectoryThatIsGoneHasNone) {
  EXPECT_FALSE(Disk("/nonexistent", 0, true).has_room());
  EXPECT_EQ(Disk("/nonexistent", 0, true).free(), std::nullopt);
}

TEST(Disk, RefusesNothingThatGoesElsewhere) {
  EXPECT_FALSE(Disk("/", kAll, false).has_room()) << "which others are told";
  EXPECT_NO_THROW(Disk("/", kAll, false).require_room());
}

TEST(Disk, HalfTheReserveWillDoWhereTheDatabaseHasAsMuchOfItsOwn) {
  const std::uint64_t free = Disk("/", 0, true).free().value();
  Disk disk("/", free / 2 * 3, true);
  EXPECT_FALSE(disk.has_room());
  disk.may_reuse(free);
  EXPECT_FALSE(disk.has_room()) << "less than the reserve";
  disk.may_reuse(2 * free);
  EXPECT_TRUE(disk.has_room());
  Disk fuller("/", 3 * free, true);
  fuller.may_reuse(3 * free);
  EXPECT_FALSE(fuller.has_room()) << "less than half of it is free";
}

}  // namespace
}  // namespace letterbox::gateway
