// HTTP Message Signatures (RFC 9421) with Ed25519: how people's devices sign their requests.
//
// At the gateway:
//
//   const auto signature = parse_request_signature(input_field, signature_field);  // kMalformed
//   if (const auto fault = find_fault(signature, has_body, now)) …                 // which rule
//   const auto key = …signature.key_id…                                            // who is this?
//   verify_request(signature, request, key);                                       // kBadSignature
//   …then the nonce must be new, and the body what its Content-Digest says (content_digest.h)
//
// On a device:
//
//   const auto fields = sign_request(request, {.created = now, .nonce = …}, key);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signing.h"
#include "records/time.h"

namespace letterbox::records {

/// What a signature says that it is for, so that one made for another use of the key is none here.
inline constexpr std::string_view kSignatureTag = "letterbox";
/// From created to expires, at most.
inline constexpr std::chrono::seconds kLongestLifetime{300};
/// How far the signer's clock may run ahead. Without it, two good clocks disagree at every second's
/// turn.
inline constexpr std::chrono::seconds kClockTolerance{5};
/// Characters of a nonce. 16 hold 64 bits even in hexadecimal.
inline constexpr std::size_t kShortestNonce = 16;
inline constexpr std::size_t kLongestNonce = 64;

/// What a signature can see of a request. Views and function must outlive the call.
struct RequestView {
  /// As it is sent: RFC 9110 methods are case-sensitive.
  std::string_view method;
  /// The absolute URI, `https://host/path?query`, path and query exactly as they are sent. Who
  /// verifies puts its own name there, or has made sure that the host named in the request is one
  /// of its own: otherwise a request signed for another gateway is one for this.
  std::string_view target_uri;
  /// The values of all lines of a field, in order; none if there is no such field. The name comes
  /// in lowercase.
  std::function<std::vector<std::string>(std::string_view name)> field_lines;
};

/// One signature, as the two fields of a request state it. Nothing of it is true before
/// verify_request.
struct RequestSignature {
  /// What is covered, in order, none twice: derived components (`@method`) and fields, lowercase.
  std::vector<std::string> components;
  std::optional<Time> created;
  std::optional<Time> expires;
  std::optional<std::string> nonce;
  /// Whose it claims to be: for letterbox's devices VerifyKey::fingerprint().
  std::string key_id;
  std::optional<std::string> algorithm;
  std::optional<std::string> tag;
  /// All of these as they are signed, in the order received (RFC 9421 section 2.3).
  std::string parameters;
  crypto::Signature value;

  bool covers(std::string_view component) const;
};

/// Reads the fields Signature-Input and Signature, each with its lines joined by ", ". Exactly one
/// signature, of 64 bytes, whose keyid is there; components are strings without parameters (`sf`,
/// `key`, `bs`, `req`, `tr` change what is signed, and nothing here needs them), known if derived;
/// no parameters but those of RFC 9421 section 2.3. Messages repeat nothing of the fields. Throws
/// Error kMalformed.
RequestSignature parse_request_signature(std::string_view signature_input,
                                         std::string_view signature);

/// Which rule of ours a signature breaks. To the peer they are all one 401.
enum class SignatureFault : std::uint8_t {
  kNotCovered,       ///< @method, @target-uri, or a body's content-type or content-digest
  kOtherTag,         ///< not for Letterbox, or doesn't say for what
  kOtherAlgorithm,   ///< says that it isn't Ed25519
  kNoLifetime,       ///< created or expires is missing, or expires isn't the later one
  kLongLifetime,     ///< more than kLongestLifetime
  kFromTheFuture,    ///< created later than now and kClockTolerance
  kExpired,          ///< expires isn't in the future any more
  kUnsuitableNonce,  ///< missing, too short or too long
};

/// Name of the enumerator without its k, for logs: "NotCovered".
const char* to_string(SignatureFault fault) noexcept;

/// The first rule broken, in the order above; nothing if all are kept. It needs no key, so it can
/// spare a look for one. `has_body`: a body follows, or may.
std::optional<SignatureFault> find_fault(const RequestSignature& signature, bool has_body,
                                         Time now);

/// The text that is signed, RFC 9421 section 2.5: a line for each component, then the parameters as
/// they were received. Throws Error kBadSignature if the request has no such field, or one that
/// can't be signed because it isn't printable ASCII; kMalformed if `target_uri` isn't an absolute
/// http or https URI.
std::string signature_base(const RequestSignature& signature, const RequestView& request);

/// Throws Error kBadSignature unless `key` made this signature over this request; and as
/// signature_base. Says nothing about our rules: see find_fault.
void verify_request(const RequestSignature& signature, const RequestView& request,
                    const crypto::VerifyKey& key);

/// What the signer chooses. `nonce` is never used twice with one key: a fresh Uuid will do.
struct SignatureChoices {
  Time created;
  std::chrono::seconds lifetime = kLongestLifetime;
  std::string nonce;
};

/// Values of the two fields to add to the request.
struct SignatureFields {
  std::string signature_input;
  std::string signature;
};

/// Signs `@method`, `@target-uri` and, where the request has a Content-Digest, that and its
/// Content-Type. A request with a body must have both: without a digest its body isn't signed, and
/// no gateway takes it. Throws Error kInternal for choices that no gateway takes, and as
/// signature_base.
SignatureFields sign_request(const RequestView& request, const SignatureChoices& choices,
                             const crypto::SigningKey& key);

}  // namespace letterbox::records
