// Who is calling? A signature (RFC 9421), a client certificate, or a machine token says so.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/signing.h"
#include "gateway/config.h"
#include "gateway/identity/caller.h"
#include "gateway/identity/rate.h"
#include "gateway/transport/peer.h"
#include "records/http_signature.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// What a request shows of its caller. Views and function must outlive the call.
struct Presented {
  const transport::Peer& peer;
  std::string_view method;
  std::string_view target;  ///< path and query, as they were sent
  bool has_body;            ///< one follows, or may
  /// The value of a field, its lines joined; nothing if there is none. The name comes in lowercase.
  std::function<std::optional<std::string>(std::string_view name)> field;
};

struct AuthenticationOptions {
  std::string public_url;       ///< what people sign for: "https://host:port"
  bool machine_tokens = false;  ///< whether they are taken at all
  Rates rates = {};
};

/// Thread-safe. Every refusal is recorded in the audit trail, up to Rates::failures; what is beyond
/// that is told to come back later, so that a flood of them doesn't fill the trail, and so that
/// guessing takes for ever.
class Authentication {
 public:
  /// `store` and `gateway_key` must outlive this.
  Authentication(storage::Store& store, const crypto::VerifyKey& gateway_key,
                 AuthenticationOptions options);

  /// Throws Error kTooManyRequests if more comes from this network than it may. To be asked first.
  void admit(const transport::Peer& peer);

  /// Steps, in this order:
  ///  1. A verified client certificate: its key must be that of a machine.
  ///  2. A machine token (RFC 6750 section 2.1), where they are taken.
  ///  3. A signature: its grammar, then our rules on what it covers and its times, the key (known
  ///     to exactly one tenant), the signature itself, the device (not revoked, nor its owner),
  ///     then the nonce. What it says of the body is for the body's reader to check
  ///     (Caller::announced_body).
  /// Throws Error kUnauthenticated, kClockSkew, kTooManyRequests, kUnavailable.
  Caller authenticate(const Presented& presented);

  /// Whether a device that authenticate() took for a person's still is: an answer may go on for
  /// longer than that. Throws Error kUnavailable.
  bool still_stands(const Caller& caller);

  /// A device that nobody knows yet signs with the key that it brings. The same rules, but for the
  /// nonce: an invitation is good for one time anyway. First what the request says, before the body
  /// that brings the key is read; then, with the key, whether it did. Both throw as authenticate().
  struct Stranger {
    records::RequestSignature signature;
    Digest announced_body;
  };
  Stranger stranger(const Presented& presented);
  void verify(const Stranger& stranger, const Presented& presented, const crypto::VerifyKey& key);

  /// For secrets that could be guessed: throws Error kTooManyRequests if this network has failed
  /// too often, before the secret is looked at.
  void allow_guess(const transport::Peer& peer);
  /// Records a refusal and returns the Error to throw: `code`, or kTooManyRequests beyond the
  /// limit.
  Error refused(ErrorCode code, const char* reason, const Caller& caller,
                const transport::Peer& peer);
  /// Records that TLS refused a client certificate, up to the same limit. There is nobody to throw
  /// to: where the trail is out of reach, nothing is recorded.
  void certificate_refused(const transport::Peer& peer) noexcept;

 private:
  Caller by_certificate(const Presented& presented);
  Caller by_token(const Presented& presented, std::string_view token);
  Caller by_signature(const Presented& presented);
  /// As it is now; nothing if no record of the holder's is of that key.
  std::optional<records::Device> device_of(const storage::KeyHolder& holder,
                                           const records::Handle& handle,
                                           const crypto::VerifyKey& key) const;
  Caller machine(const storage::Machine& machine, const transport::Peer& peer);
  void remember_login(const Caller& caller);
  void spend_nonce(const records::RequestSignature& signature, const Caller& caller,
                   const transport::Peer& peer);
  records::RequestSignature read_signature(const Presented& presented);
  /// Throws Error kUnauthenticated, refused as of `caller`, unless `key` signed the request.
  void verify(const records::RequestSignature& signature, const Presented& presented,
              const crypto::VerifyKey& key, const Caller& caller);

  storage::Store& store_;
  const crypto::VerifyKey gateway_key_;
  const AuthenticationOptions options_;
  Rate principals_;
  Rate peers_;
  Rate failures_;
  Rate logins_;  ///< one an hour: a login is recorded when a caller has one to take
  std::atomic<std::uint64_t> nonces_{0};
};

}  // namespace letterbox::gateway
