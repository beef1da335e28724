#include "client/refused.h"

namespace letterbox::client {

Refused::Refused(const char* check, ErrorCode code, const std::string& detail)
    : Error(code, "refused, the check \"" + std::string(check) + "\" failed: " + detail),
      check_(check) {}

bool is_finding(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed:
    case ErrorCode::kTooLarge:
    case ErrorCode::kFieldsTooLarge:
    case ErrorCode::kCoverMismatch:
    case ErrorCode::kIntegrity:
    case ErrorCode::kBadSignature:
    case ErrorCode::kNoKeyFits:
    case ErrorCode::kUntrustedKey:
      return true;
    default:
      return false;
  }
}

}  // namespace letterbox::client
