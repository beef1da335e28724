// What a client is told of a failure: RFC 9457 problem details, from the ErrorCode alone.
#pragma once

#include <string>

#include "base/error.h"

namespace letterbox::gateway {

/// A fixed text for each code. It depends on nothing else, so no internal message and no patient
/// data can reach a client through it.
struct Problem {
  unsigned short status;  ///< HTTP status code
  const char* type;       ///< relative URI reference: "/problems/unknown-recipient"
  const char* title;
  const char* detail;  ///< what the client can do
};

Problem problem_of(ErrorCode code) noexcept;

inline constexpr const char* kProblemMediaType = "application/problem+json";
/// The application/problem+json document.
std::string to_json(const Problem& problem);

}  // namespace letterbox::gateway
