// What becomes of the content of an answer that goes on.
#pragma once

#include <cstdint>

namespace letterbox::gateway::transport {

/// What became of bytes that were pushed.
enum class Pushed : std::uint8_t {
  kSent,
  kFull,  ///< the peer hasn't taken what was pushed before; nothing of this is sent
  kGone,  ///< there is nobody any more
};

}  // namespace letterbox::gateway::transport
