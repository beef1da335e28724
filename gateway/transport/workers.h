// The threads that handlers run on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace letterbox::gateway::transport {

/// A fixed number of threads, shared out fairly: peers that have jobs waiting take turns, and no
/// peer has more than its share running, because a slow body holds its thread for as long as it
/// comes. Thread-safe.
class Workers {
 public:
  using Job = std::function<void()>;  ///< doesn't throw

  Workers(std::size_t threads, std::size_t share);
  ~Workers() { finish(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Doesn't wait for the job. Not after finish().
  void post(const std::string& peer, Job job);
  /// Waits for all that was posted, and ends the threads.
  void finish();

 private:
  struct Line {
    std::deque<Job> waiting;
    std::size_t running = 0;
    bool has_turn = false;  // stands in turns_
  };
  using Lines = std::map<std::string, Line>;

  void work();
  void give_turn(Lines::iterator line);

  const std::size_t share_;
  std::mutex mutex_;  // for all below
  std::condition_variable changed_;
  Lines lines_;                        // of peers that have anything here
  std::deque<Lines::iterator> turns_;  // those that may have a job started, in order
  bool finishing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace letterbox::gateway::transport
