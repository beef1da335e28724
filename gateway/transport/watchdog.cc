#include "gateway/transport/watchdog.h"

namespace letterbox::gateway::transport {

namespace {

constexpr std::chrono::milliseconds kBiteAgain{50};

}  // namespace

void Watchdog::allow(Clock::duration time) {
  has_bitten_ = false;
  deadline_ = Clock::now() + time;
  // A timer that goes off too early looks again, which is cheaper than to set it at every read.
  if (!waiting_ || timer_.expiry() > deadline_) wait_until(deadline_);
}

void Watchdog::call_off() {
  has_bitten_ = false;
  deadline_ = Clock::time_point::max();
  waiting_ = false;
  timer_.cancel();
}

void Watchdog::wait_until(Clock::time_point when) {
  waiting_ = true;
  timer_.expires_at(when);
  timer_.async_wait([dog = weak_from_this()](const boost::system::error_code& error) {
    if (error) return;
    if (const auto self = dog.lock()) self->look();
  });
}

void Watchdog::look() {
  waiting_ = false;
  if (deadline_ == Clock::time_point::max()) return;
  if (Clock::now() < deadline_) {
    wait_until(deadline_);
    return;
  }
  has_bitten_ = true;
  bite_();
  wait_until(Clock::now() + kBiteAgain);
}

}  // namespace letterbox::gateway::transport
