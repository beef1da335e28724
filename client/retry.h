// What is tried again: a line that broke, a gateway that is starting.
#pragma once

#include <chrono>

#include "base/error.h"

namespace letterbox::client {

/// Whether the same request may succeed in a moment.
bool is_passing(ErrorCode code);

/// How long to go on trying: some fifteen seconds without any progress, which is more than a
/// gateway takes to come back. For one thread.
class Patience {
 public:
  /// In the handler of an error. Waits, longer each time, before the next attempt; or rethrows it,
  /// where trying again doesn't help or was tried often enough.
  void wait_or_rethrow(ErrorCode code);
  /// Something went forward: what fails next is another failure.
  void restore() noexcept { failures_ = 0; }

 private:
  unsigned failures_ = 0;
};

/// What `action` returns, after as many attempts as a Patience has.
template <typename Action>
auto patiently(Action action) {
  Patience patience;
  while (true) {
    try {
      return action();
    } catch (const Error& error) {
      patience.wait_or_rethrow(error.code());
    }
  }
}

}  // namespace letterbox::client
