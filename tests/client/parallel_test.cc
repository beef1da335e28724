#include "client/parallel.h"

#include <set>

#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

TEST(InParallel, DoesEachOnce) {
  std::mutex mutex;
  std::multiset<std::size_t> done;
  in_parallel(100, [&](std::size_t, const std::stop_token&) {
    return [&](std::size_t i) {
      const std::lock_guard lock(mutex);
      done.insert(i);
    };
  });
  EXPECT_EQ(done.size(), 100U);
  EXPECT_EQ(std::set(done.begin(), done.end()).size(), 100U);
}

TEST(InParallel, ThrowsTheFirstErrorOnceAllHaveStopped) {
  std::atomic<std::size_t> running = 0;
  const auto run = [&] {
    in_parallel(1000, [&](std::size_t, const std::stop_token& stop) {
      return [&, stop](std::size_t i) {
        ++running;
        // The others are in the midst of something long, and are told that it is in vain.
        if (i > 0)
          while (!stop.stop_requested()) std::this_thread::yield();
        --running;
        if (i == 0) throw Error(ErrorCode::kConflict, "the first");
        throw Error(ErrorCode::kInternal, "stopped");
      };
    });
  };
  EXPECT_EQ(thrown_by(run), ErrorCode::kConflict);
  EXPECT_EQ(running, 0U);
}

}  // namespace
}  // namespace letterbox::client
