// Several files on their way at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"

namespace letterbox::client {

/// More than this the line is no better used, and each takes the memory of a connection and a few
/// rows.
inline constexpr std::size_t kMostAtOnce = 4;

/// For work that others wait for. Throws Error kInternal if it is all in vain.
inline void go_on_unless(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorCode::kInternal, "another file failed");
}

/// Does `work(i)` for each i below `count`, up to kMostAtOnce at a time. `worker(thread, token)` is
/// called by each thread, which is 0 for the one that calls, and returns its `work`; the token
/// tells both that it is all in vain. The first error ends it: it is thrown once every thread has
/// stopped.
template <typename Worker>
void in_parallel(std::size_t count, Worker worker) {
  std::atomic<std::size_t> next = 0;
  std::stop_source stop;
  std::mutex mutex;
  std::exception_ptr first_error;
  const auto run = [&](std::size_t thread) {
    try {
      auto work = worker(thread, stop.get_token());
      for (std::size_t i = next++; i < count && !stop.stop_requested(); i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!stop.stop_requested()) first_error = std::current_exception();
      stop.request_stop();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(count, kMostAtOnce); ++i) threads.emplace_back(run, i);
    run(0);
  }
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace letterbox::client
