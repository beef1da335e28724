#include "client/retry.h"

#include <thread>

namespace letterbox::client {
namespace {

constexpr unsigned kAttempts = 6;
constexpr std::chrono::milliseconds kFirstWait{250};

}  // namespace

bool is_passing(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNetwork:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTooManyRequests:
    case ErrorCode::kTruncatedBody:   // to the gateway, the same broken line
    case ErrorCode::kOffsetMismatch:  // it has more than we thought, or less
    case ErrorCode::kLocked:          // our own request before this one, which it hasn't given up
      return true;
    default:
      return false;
  }
}

void Patience::wait_or_rethrow(ErrorCode code) {
  if (!is_passing(code) || failures_ == kAttempts) throw;
  std::this_thread::sleep_for(kFirstWait * (1U << failures_));
  ++failures_;
}

}  // namespace letterbox::client
