#include "gateway/transport/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

namespace letterbox::gateway::transport {
namespace {

TEST(Workers, RunEverythingBeforeTheyFinish) {
  std::atomic<int> done = 0;
  Workers workers(3, 2);
  for (int i = 0; i < 1000; ++i) workers.post(std::to_string(i % 7), [&] { ++done; });
  workers.finish();
  EXPECT_EQ(done, 1000);
}

TEST(Workers, PeersTakeTurns) {
  Workers workers(1, 1);
  std::promise<void> go;
  std::vector<char> order;
  workers.post("gate", [&] { go.get_future().wait(); });
  for (int i = 0; i < 3; ++i) workers.post("a", [&] { order.push_back('a'); });
  workers.post("b", [&] { order.push_back('b'); });
  go.set_value();
  workers.finish();
  EXPECT_EQ(order, (std::vector<char>{'a', 'b', 'a', 'a'}));
}

TEST(Workers, OnePeerNeverHasMoreThanItsShare) {
  Workers workers(4, 2);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  for (int i = 0; i < 200; ++i) {
    workers.post("a", [&] {
      const int now = ++running;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::yield();
      --running;
    });
  }
  workers.finish();
  EXPECT_LE(most, 2);
}

TEST(Workers, WhatAJobHoldsGoesWithIt) {
  Workers workers(1, 1);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = held;
  workers.post("a", [held = std::move(held)] {});
  std::promise<void> later;
  workers.post("a", [&] {
    EXPECT_TRUE(seen.expired());
    later.set_value();
  });
  later.get_future().wait();
}

}  // namespace
}  // namespace letterbox::gateway::transport
