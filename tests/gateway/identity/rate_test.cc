#include "gateway/identity/rate.h"

#include <gtest/gtest.h>

namespace letterbox::gateway {
namespace {

using namespace std::chrono_literals;

const Rate::Clock::time_point kNow = Rate::Clock::now();

TEST(Rate, GivesTheBurstAndThenNoMore) {
  Rate rate(3, 3s);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take("a", kNow));
  EXPECT_FALSE(rate.take("a", kNow));
  EXPECT_TRUE(rate.spent("a", kNow));
}

TEST(Rate, RefillsSteadilyUpToTheBurst) {
  Rate rate(4, 2s);
  for (int i = 0; i < 4; ++i) rate.take("a", kNow);
  EXPECT_FALSE(rate.take("a", kNow + 400ms));
  EXPECT_TRUE(rate.take("a", kNow + 600ms));
  EXPECT_FALSE(rate.take("a", kNow + 600ms));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(rate.take("a", kNow + 1h));
  EXPECT_FALSE(rate.take("a", kNow + 1h));
}

TEST(Rate, KeepsThemApart) {
  Rate rate(1, 1s);
  EXPECT_TRUE(rate.take("a", kNow));
  EXPECT_TRUE(rate.take("b", kNow));
  EXPECT_FALSE(rate.take("a", kNow));
}

TEST(Rate, ToAskTakesNothing) {
  Rate rate(1, 1s);
  EXPECT_FALSE(rate.spent("a", kNow));
  EXPECT_FALSE(rate.spent("a", kNow));
  EXPECT_TRUE(rate.take("a", kNow));
}

TEST(Rate, NoneIsNoLimit) {
  Rate rate(0, 1s);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rate.take("a", kNow));
  EXPECT_FALSE(rate.spent("a", kNow));
}

TEST(Rate, AClockThatGoesBackGivesNothing) {
  Rate rate(1, 1s);
  EXPECT_TRUE(rate.take("a", kNow));
  EXPECT_FALSE(rate.take("a", kNow - 1h));
}

TEST(Rate, RemembersABoundedNumber) {
  Rate rate(1, 1s);
  for (std::size_t i = 0; i < Rate::kMost + 1; ++i) rate.take(std::to_string(i), kNow);
  // All but the last were forgotten, rather than one more remembered.
  EXPECT_TRUE(rate.take("0", kNow));
  EXPECT_FALSE(rate.take(std::to_string(Rate::kMost), kNow));
}

TEST(Rate, ForgetsFirstWhoHasNothingToRemember) {
  Rate rate(1, 1s);
  for (std::size_t i = 0; i < Rate::kMost; ++i) rate.take(std::to_string(i), kNow);
  rate.take("0", kNow + 2s);  // refilled a second ago, and taken again
  EXPECT_TRUE(rate.take("new", kNow + 2s));
  EXPECT_FALSE(rate.take("0", kNow + 2s));
}

}  // namespace
}  // namespace letterbox::gateway
