// What the shell is told: the one place that maps error codes to exit codes.
#pragma once

#include "base/error.h"

namespace letterbox::client {

enum class ExitCode : int {
  kOk = 0,
  kOther = 1,
  kUsage = 2,
  kNotFound = 3,    ///< doesn't exist, or has expired
  kNotAllowed = 4,  ///< the gateway refuses us
  kIntegrity = 5,   ///< a verification failed; nothing was shown or kept
  kNoKeyFits = 6,
  kNetwork = 7,  ///< the gateway is away or can't serve now; trying again later may work
};

constexpr ExitCode exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kMalformed:
    case ErrorCode::kCoverMismatch:
    case ErrorCode::kIntegrity:
    case ErrorCode::kBadSignature:
    case ErrorCode::kUntrustedKey:
      return ExitCode::kIntegrity;
    case ErrorCode::kNoKeyFits:
    case ErrorCode::kWrongPassphrase:
      return ExitCode::kNoKeyFits;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kNotAllowed:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kClockSkew:
    case ErrorCode::kDownloadLimitReached:
      return ExitCode::kNotAllowed;
    case ErrorCode::kNetwork:
    case ErrorCode::kUnavailable:
    case ErrorCode::kStorageFull:
    case ErrorCode::kTooManyRequests:
    case ErrorCode::kTruncatedBody:
    case ErrorCode::kChecksumMismatch:
    case ErrorCode::kOffsetMismatch:
    case ErrorCode::kLocked:
      return ExitCode::kNetwork;
    case ErrorCode::kUsage:
      return ExitCode::kUsage;
    case ErrorCode::kEmptyBody:
    case ErrorCode::kTooLarge:
    case ErrorCode::kFieldsTooLarge:
    case ErrorCode::kUnsupportedMediaType:
    case ErrorCode::kNotWhatItClaims:
    case ErrorCode::kUnsupportedTransferSyntax:
    case ErrorCode::kNoRecipient:
    case ErrorCode::kMalformedRecipient:
    case ErrorCode::kUnknownRecipient:
    case ErrorCode::kRangeNotSatisfiable:
    case ErrorCode::kSeveralRanges:
    case ErrorCode::kPreconditionRequired:
    case ErrorCode::kPreconditionFailed:
    case ErrorCode::kConflict:
    case ErrorCode::kQuotaExceeded:
    case ErrorCode::kWrongMethod:
    case ErrorCode::kNotAcceptable:
    case ErrorCode::kFile:
    case ErrorCode::kConfiguration:
    case ErrorCode::kInternal:
      return ExitCode::kOther;
  }
  return ExitCode::kOther;
}

}  // namespace letterbox::client
