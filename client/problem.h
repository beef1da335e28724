// Problem answers (RFC 9457) as errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "records/time.h"

namespace letterbox::client {

/// The error that an answer of this status, 300 or more, means. `body` is what came with it:
/// application/problem+json if the gateway made it, anything if somebody on the way did. Its texts
/// reach the message stripped to printable ASCII. `date` is the answer's Date field, or nothing:
/// where clocks disagree, the message says by how much.
Error problem_error(unsigned status, std::string_view body, const std::string& date = {});

/// What is wrong with our clock at `now`, by a Date field (RFC 9110 section 5.6.7, IMF-fixdate);
/// nothing if that isn't one.
std::optional<std::string> clock_difference(const std::string& date, records::Time now);

}  // namespace letterbox::client
