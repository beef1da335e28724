// What a gateway does of its own accord, again and again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace letterbox::gateway {

/// A job done on a thread of its own for as long as this lives: at once, then as often as said.
/// What it throws is logged, and it is done again all the same.
class Repeated {
 public:
  /// `failure` is what the log says then, a string literal. What `job` draws on must outlive this.
  Repeated(std::chrono::seconds every, const char* failure, std::function<void()> job);
  ~Repeated();
  Repeated(const Repeated&) = delete;
  Repeated& operator=(const Repeated&) = delete;

  /// There is something to do now. Thread-safe.
  void wake();

 private:
  void run();

  const std::chrono::seconds every_;
  const char* const failure_;
  const std::function<void()> job_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = true;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace letterbox::gateway
