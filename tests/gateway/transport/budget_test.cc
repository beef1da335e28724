#include "gateway/transport/budget.h"

#include <gtest/gtest.h>

namespace letterbox::gateway::transport {
namespace {

TEST(Budget, GivesNoMoreThanThereIs) {
  Budget budget(10);
  const auto six = budget.take("a", 6);
  EXPECT_TRUE(six);
  EXPECT_FALSE(budget.take("b", 5));
  const auto four = budget.take("b", 4);
  EXPECT_TRUE(four);
  EXPECT_EQ(budget.in_use(), 10U);
}

TEST(Budget, GivesAPeerNoMoreThanItsShare) {
  Budget budget(10, 4);
  const auto mine = budget.take("a", 3);
  EXPECT_FALSE(budget.take("a", 2));
  EXPECT_TRUE(budget.take("b", 4));
}

TEST(Budget, APartGoesBackWithItsLease) {
  Budget budget(10, 10);
  {
    auto lease = budget.take("a", 10);
    Budget::Lease moved = std::move(*lease);
    EXPECT_FALSE(budget.take("b", 1));
  }
  EXPECT_EQ(budget.in_use(), 0U);
  EXPECT_TRUE(budget.take("a", 10));
}

TEST(Budget, NothingIsAlwaysThere) {
  Budget budget(1);
  const auto all = budget.take("a", 1);
  auto nothing = budget.take("a", 0);
  EXPECT_TRUE(nothing);
  nothing.reset();
  EXPECT_EQ(budget.in_use(), 1U);
}

TEST(Budget, HugeWishesDoNotWrapAround) {
  Budget budget(10, 4);
  const auto some = budget.take("a", 3);
  EXPECT_FALSE(budget.take("a", SIZE_MAX));
  EXPECT_FALSE(budget.take("b", SIZE_MAX - 2));
}

}  // namespace
}  // namespace letterbox::gateway::transport
