#include "gateway/routes/problem.h"

#include <nlohmann/json.hpp>

namespace letterbox::gateway {

namespace {

constexpr Problem kInternalProblem{500, "/problems/internal", "Internal error",
                                   "The gateway failed. Its log has the request's id."};

}  // namespace

Problem problem_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kMalformed:
      return {400, "/problems/malformed", "Malformed request",
              "A part of the request isn't in its documented form."};
    case ErrorCode::kEmptyBody:
      return {400, "/problems/empty-body", "Empty body", "The file must be the request's body."};
    case ErrorCode::kTruncatedBody:
      return {400, "/problems/truncated-body", "Truncated body",
              "The body ended before its announced length or last chunk. Nothing was stored."};
    case ErrorCode::kTooLarge:
      return {413, "/problems/too-large", "Content too large",
              "The request is over a limit of this gateway."};
    case ErrorCode::kFieldsTooLarge:
      return {431, "/problems/fields-too-large", "Header fields too large",
              "The header fields of a part are over a limit of this gateway."};
    case ErrorCode::kUnsupportedMediaType:
      return {
          415, "/problems/unsupported-media-type", "Unsupported media type",
          "POST /v1/files takes application/dicom, image/jpeg and image/png; a delivery's files "
          "are application/age."};
    case ErrorCode::kNotWhatItClaims:
      return {422, "/problems/not-what-it-claims", "Content isn't what it claims to be",
              "The body isn't a file of the type in Content-Type, or not an acceptable one."};
    case ErrorCode::kUnsupportedTransferSyntax:
      return {422, "/problems/unsupported-transfer-syntax", "Unsupported transfer syntax",
              "The file names no transfer syntax of DICOM PS3.5, so nobody can say what is in it."};
    case ErrorCode::kNoRecipient:
      return {400, "/problems/no-recipient", "No recipient",
              "Name at least one: ?to=name@tenant, or ?to=age1…"};
    case ErrorCode::kMalformedRecipient:
      return {400, "/problems/malformed-recipient", "Malformed recipient",
              "A recipient is a handle (name@tenant) or the age1… string of a known device."};
    case ErrorCode::kUnknownRecipient:
      return {422, "/problems/unknown-recipient", "Unknown recipient",
              "A recipient isn't in this gateway's directory. Nothing was stored."};
    case ErrorCode::kRangeNotSatisfiable:
      return {416, "/problems/range-not-satisfiable", "Range not satisfiable",
              "There are no such bytes: see Content-Range for how many there are."};
    case ErrorCode::kSeveralRanges:
      return {416, "/problems/several-ranges", "Several ranges",
              "Ask for one range of bytes at a time."};
    case ErrorCode::kPreconditionRequired:
      return {428, "/problems/precondition-required", "Precondition required",
              "Say with If-Match which version of the cover this change follows."};
    case ErrorCode::kCoverMismatch:
      return {422, "/problems/cover-mismatch", "Cover mismatch",
              "What was sent belongs to another delivery, cover or list of recipients."};
    case ErrorCode::kIntegrity:
      return {422, "/problems/integrity", "Integrity check failed",
              "A length or digest differs from what was stored."};
    case ErrorCode::kChecksumMismatch:
      return {460, "/problems/checksum-mismatch", "Checksum mismatch",
              "Other bytes came than Upload-Checksum announces. None of them was kept."};
    case ErrorCode::kBadSignature:
      return {403, "/problems/bad-signature", "Signature not accepted",
              "The record isn't signed by a device of its sender."};
    case ErrorCode::kUnauthenticated:
      return {401, "/problems/unauthenticated", "Not authenticated",
              "Sign the request with the key of an enrolled device (RFC 9421), or show a machine's "
              "client certificate on the machines' address."};
    case ErrorCode::kClockSkew:
      return {401, "/problems/clock-skew", "Signed at another time",
              "The signature wasn't made now, by the gateway's clock: see Date. Set the clock."};
    case ErrorCode::kTooManyRequests:
      return {429, "/problems/too-many-requests", "Too many requests",
              "Over a rate of this gateway. Come back after Retry-After seconds."};
    case ErrorCode::kDownloadLimitReached:
      return {403, "/problems/download-limit-reached", "Download limit reached",
              "This device had the file as often as its sender allows."};
    case ErrorCode::kNotFound:
      return {404, "/problems/not-found", "Not found",
              "There is no such thing here, or not any more, or not for you."};
    case ErrorCode::kNotAllowed:
      return {403, "/problems/not-allowed", "Not allowed", "This isn't yours to do."};
    case ErrorCode::kConflict:
      return {409, "/problems/conflict", "Conflict",
              "Not possible in the present state: it exists already, is closed, or is incomplete."};
    case ErrorCode::kPreconditionFailed:
      return {412, "/problems/precondition-failed", "Precondition failed",
              "What the request supposes isn't so: another version is current, or Tus-Resumable "
              "isn't 1.0.0."};
    case ErrorCode::kOffsetMismatch:
      return {409, "/problems/offset-mismatch", "Offset mismatch",
              "The upload stands elsewhere: ask with HEAD for its Upload-Offset and go on there."};
    case ErrorCode::kLocked:
      return {
          423, "/problems/locked", "Locked",
          "Another request is writing this upload, or changing these recipients in your name. Try "
          "again when it has ended."};
    case ErrorCode::kQuotaExceeded:
      return {507, "/problems/quota-exceeded", "Quota exceeded",
              "Your hospital has used up its room in this gateway, or you have announced more in "
              "uploads than you may. Nothing was stored; revoke what isn't needed, end uploads, or "
              "ask its administrator."};
    case ErrorCode::kWrongMethod:
      return {405, "/problems/wrong-method", "Method not allowed",
              "This resource doesn't know that method."};
    case ErrorCode::kNotAcceptable:
      return {406, "/problems/not-acceptable", "Not acceptable",
              "What lies here is given out as ciphertext alone: its recipients fetch it with "
              "letterbox get and open it on their own devices."};
    case ErrorCode::kUnavailable:
      return {503, "/problems/unavailable", "Temporarily unavailable",
              "The gateway or its store can't serve this now. Nothing was acknowledged; try again "
              "later."};
    case ErrorCode::kStorageFull:
      return {507, "/problems/storage-full", "Storage full",
              "The gateway's store has no room left. Nothing was acknowledged; it works again once "
              "its operator has made room."};
    case ErrorCode::kNoKeyFits:
    case ErrorCode::kUntrustedKey:
    case ErrorCode::kWrongPassphrase:
    case ErrorCode::kNetwork:
    case ErrorCode::kFile:
    case ErrorCode::kConfiguration:
    case ErrorCode::kUsage:
    case ErrorCode::kInternal:
      return kInternalProblem;
  }
  return kInternalProblem;
}

std::string to_json(const Problem& problem) {
  return nlohmann::ordered_json{{"type", problem.type},
                                {"title", problem.title},
                                {"status", problem.status},
                                {"detail", problem.detail}}
      .dump();
}

}  // namespace letterbox::gateway
