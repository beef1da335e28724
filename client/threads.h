#pragma once

#include <algorithm>
#include <thread>

namespace letterbox::client {

/// How many threads share the chunks of a row: more than four wait for the disk or the network.
inline unsigned sealing_threads() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
}

}  // namespace letterbox::client
