// A deadline on what a peer does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace letterbox::gateway::transport {

/// Bites when the time that was last allowed has passed, and again every little while until it is
/// called off: an operation in several steps (TLS) may be between two of them when it is cancelled,
/// and would go on unharmed. Belongs to one strand; everything happens on it.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  using Clock = std::chrono::steady_clock;

  /// `bite` cancels what is being waited for. It mustn't outlive what it refers to: see call_off().
  Watchdog(const boost::asio::any_io_executor& executor, std::function<void()> bite)
      : timer_(executor), bite_(std::move(bite)) {}

  /// From now on there is so much time, whatever there was before.
  void allow(Clock::duration time);
  /// No deadline any more; it has not bitten. After this, `bite` isn't called.
  void call_off();
  bool has_bitten() const noexcept { return has_bitten_; }

 private:
  void wait_until(Clock::time_point when);
  void look();

  boost::asio::steady_timer timer_;
  std::function<void()> bite_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool waiting_ = false;
  bool has_bitten_ = false;
};

}  // namespace letterbox::gateway::transport
