// A request that the transport itself turns away.
#pragma once

#include "base/error.h"

namespace letterbox::gateway::transport {

/// What came isn't HTTP as we take it, or is over a limit. Carries the status that tells the peer
/// so (RFC 9110 section 15) and a fixed sentence, which is shown to the peer: it never quotes what
/// was sent. After a refusal the connection closes, because its framing can't be relied on any
/// more.
class Refusal : public Error {
 public:
  /// `detail` is a string literal.
  Refusal(int status, const char* detail, Where where = Where::here())
      : Error(status == 413 ? ErrorCode::kTooLarge : ErrorCode::kMalformed, detail, where),
        status_(status),
        detail_(detail) {}

  int status() const noexcept { return status_; }
  const char* detail() const noexcept { return detail_; }

 private:
  int status_;
  const char* detail_;
};

}  // namespace letterbox::gateway::transport
