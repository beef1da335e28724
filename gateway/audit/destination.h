// Where exported records go.
#pragma once

#include <string_view>

namespace letterbox::gateway::audit {

class Destination {
 public:
  virtual ~Destination() = default;

  /// Returns once all of `frames` (whole syslog frames, one behind the other) are there. If it
  /// throws, nobody knows how many are, and they have to be delivered again.
  virtual void deliver(std::string_view frames) = 0;
};

}  // namespace letterbox::gateway::audit
