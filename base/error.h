// The one error type of Letterbox.
//
// Every failure that isn't an expected outcome is thrown as `Error`. Errors of foreign libraries
// are translated where their room meets them, so that callers above know this type alone. The code
// says what happened in the product's terms; what a client is told follows from the code alone
// (gateway/problem.h, client/exit_code.h) and never from `what()`, which may name internals.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace letterbox {

/// Closed set: a switch over it has no `default`, so that adding one makes the compiler name each
/// place which must decide.
enum class ErrorCode : std::uint8_t {
  // What a peer sent, or a file holds.
  kMalformed,             ///< not in the grammar: age header, bech32, JSON, DSSE, identifier, time
  kEmptyBody,             ///< a body was needed and none came
  kTruncatedBody,         ///< the body ended early, or too slowly
  kTooLarge,              ///< over a stated limit
  kFieldsTooLarge,        ///< so are the header fields of a part
  kUnsupportedMediaType,  ///< not a type that this place takes
  kNotWhatItClaims,       ///< says DICOM, JPEG or PNG and isn't
  /// DICOM in an encoding that isn't one of the standard's.
  kUnsupportedTransferSyntax,
  kNoRecipient,           ///< nobody named to send to
  kMalformedRecipient,    ///< neither a handle nor an age1… string
  kUnknownRecipient,      ///< well-formed, and not in the directory
  kRangeNotSatisfiable,   ///< asks for bytes that don't exist
  kSeveralRanges,         ///< asks for more than one range of bytes
  kPreconditionRequired,  ///< a change that doesn't say what it changes
  kCoverMismatch,         ///< sealed under another cover than the delivery's, or for other keys

  // What verification found. All mean: show nothing, keep nothing.
  kIntegrity,         ///< a MAC, tag, digest or rebuilt header differs
  kChecksumMismatch,  ///< bytes that aren't those which were announced beside them
  kBadSignature,      ///< a signature doesn't verify, or its maker isn't the one expected
  kNoKeyFits,     ///< none of our identities unwraps the file key, or the cover lists none of ours
  kUntrustedKey,  ///< the key isn't one this device knows
  kWrongPassphrase,

  // Who asks.
  kUnauthenticated,       ///< nobody we know, or not provably: signature, nonce, certificate, token
  kClockSkew,             ///< signed at a time that isn't now: the signer's clock or ours is wrong
  kTooManyRequests,       ///< over a rate; later it will work
  kDownloadLimitReached,  ///< had it as often as its sender allows

  // What the addressed thing is like.
  kNotFound,  ///< doesn't exist, has expired, or isn't the caller's to know
  kNotAllowed,
  kConflict,            ///< not possible in the present state: exists already, closed already
  kPreconditionFailed,  ///< it isn't (any more) what the request supposes
  kOffsetMismatch,      ///< an upload isn't continued where it stands
  kLocked,              ///< somebody else is writing it
  kQuotaExceeded,       ///< over what the tenant may have stored
  kWrongMethod,
  kNotAcceptable,  ///< not to be had in a form that the caller takes

  // What failed around us.
  kUnavailable,    ///< the database is away or can't serve; trying again later may work
  kStorageFull,    ///< the database has no room left; it works again when there is
  kNetwork,        ///< the gateway can't be reached, or its certificate isn't trusted
  kFile,           ///< a local file or directory can't be read or written
  kConfiguration,  ///< a setting is wrong, a port is taken, a program is missing
  kUsage,          ///< the command line is wrong
  kInternal,       ///< a bug, or a primitive that failed without a reason
};

/// Name of the enumerator without its k, for logs: "NotFound".
const char* to_string(ErrorCode code) noexcept;

/// Where an Error was made. std::source_location would do, but clang-tidy 14 and the libFuzzer
/// builds of clang 14 don't have it.
struct Where {
  const char* file;
  int line;
  static constexpr Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

class Error : public std::runtime_error {
 public:
  /// `message` is for the operator's log and the command line user. It says what was wrong, where,
  /// and what to do; it holds no secret, no patient data and no file name of a payload.
  Error(ErrorCode code, const std::string& message, Where where = Where::here());

  ErrorCode code() const noexcept { return code_; }
  const Where& where() const noexcept { return where_; }

 private:
  ErrorCode code_;
  Where where_;
};

}  // namespace letterbox
