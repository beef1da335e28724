// What became of a request, for the log.
#pragma once

#include <cstdint>

namespace letterbox::gateway::transport {

struct Outcome {
  int status = 0;              ///< of the answer that was begun; 0: none
  std::uint64_t received = 0;  ///< bytes of the body that were handed over
  std::uint64_t sent = 0;      ///< bytes of the answer's content
};

}  // namespace letterbox::gateway::transport
