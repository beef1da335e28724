// How many event streams there may be.
#pragma once

#include <cstddef>

namespace letterbox::gateway {

struct EventStreamLimits {
  std::size_t streams = 500;  ///< open at once
  std::size_t principal = 8;  ///< of these, for one principal
};

}  // namespace letterbox::gateway
