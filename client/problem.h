// Problem answers (RFC 9457) as errors.
#pragma once

#include <string_view>

#include "base/error.h"

namespace letterbox::client {

/// The error that an answer of this status, 300 or more, means. `body` is what came with it:
/// application/problem+json if the gateway made it, anything if somebody on the way did. Its texts
/// reach the message stripped to printable ASCII.
Error problem_error(unsigned status, std::string_view body);

}  // namespace letterbox::client
