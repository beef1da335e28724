#include "base/error.h"

namespace letterbox {

Error::Error(ErrorCode code, const std::string& message, Where where)
    : std::runtime_error(message), code_(code), where_(where) {}

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kMalformed:
      return "Malformed";
    case ErrorCode::kEmptyBody:
      return "EmptyBody";
    case ErrorCode::kTruncatedBody:
      return "TruncatedBody";
    case ErrorCode::kTooLarge:
      return "TooLarge";
    case ErrorCode::kFieldsTooLarge:
      return "FieldsTooLarge";
    case ErrorCode::kUnsupportedMediaType:
      return "UnsupportedMediaType";
    case ErrorCode::kNotWhatItClaims:
      return "NotWhatItClaims";
    case ErrorCode::kUnsupportedTransferSyntax:
      return "UnsupportedTransferSyntax";
    case ErrorCode::kNoRecipient:
      return "NoRecipient";
    case ErrorCode::kMalformedRecipient:
      return "MalformedRecipient";
    case ErrorCode::kUnknownRecipient:
      return "UnknownRecipient";
    case ErrorCode::kRangeNotSatisfiable:
      return "RangeNotSatisfiable";
    case ErrorCode::kSeveralRanges:
      return "SeveralRanges";
    case ErrorCode::kPreconditionRequired:
      return "PreconditionRequired";
    case ErrorCode::kCoverMismatch:
      return "CoverMismatch";
    case ErrorCode::kIntegrity:
      return "Integrity";
    case ErrorCode::kChecksumMismatch:
      return "ChecksumMismatch";
    case ErrorCode::kBadSignature:
      return "BadSignature";
    case ErrorCode::kNoKeyFits:
      return "NoKeyFits";
    case ErrorCode::kUntrustedKey:
      return "UntrustedKey";
    case ErrorCode::kWrongPassphrase:
      return "WrongPassphrase";
    case ErrorCode::kUnauthenticated:
      return "Unauthenticated";
    case ErrorCode::kClockSkew:
      return "ClockSkew";
    case ErrorCode::kTooManyRequests:
      return "TooManyRequests";
    case ErrorCode::kDownloadLimitReached:
      return "DownloadLimitReached";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kNotAllowed:
      return "NotAllowed";
    case ErrorCode::kConflict:
      return "Conflict";
    case ErrorCode::kPreconditionFailed:
      return "PreconditionFailed";
    case ErrorCode::kOffsetMismatch:
      return "OffsetMismatch";
    case ErrorCode::kLocked:
      return "Locked";
    case ErrorCode::kQuotaExceeded:
      return "QuotaExceeded";
    case ErrorCode::kWrongMethod:
      return "WrongMethod";
    case ErrorCode::kNotAcceptable:
      return "NotAcceptable";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kStorageFull:
      return "StorageFull";
    case ErrorCode::kNetwork:
      return "Network";
    case ErrorCode::kFile:
      return "File";
    case ErrorCode::kConfiguration:
      return "Configuration";
    case ErrorCode::kUsage:
      return "Usage";
    case ErrorCode::kInternal:
      return "Internal";
  }
  return "Unknown";
}

}  // namespace letterbox
