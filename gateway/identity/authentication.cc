#include "gateway/identity/authentication.h"

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "gateway/directory/devices.h"
#include "gateway/directory/token.h"
#include "records/content_digest.h"

namespace letterbox::gateway {

namespace {

using storage::AuditKind;
using storage::AuditOutcome;

constexpr std::uint64_t kNoncesBetweenSweeps = 256;
constexpr std::size_t kSweptAtOnce = 1024;
constexpr std::chrono::duration<std::size_t> kSavedUp{10};
constexpr std::chrono::hours kBetweenLogins{1};

// RFC 6750 section 2.1; the scheme's name has no case (RFC 9110 section 11.1).
std::optional<std::string> bearer_token(const Presented& presented) {
  const std::optional<std::string> field = presented.field("authorization");
  if (!field || field->size() < 7) return std::nullopt;
  static constexpr std::string_view kScheme = "bearer ";
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char letter = (*field)[i];
    const char lower = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    if (lower != kScheme[i]) return std::nullopt;
  }
  return field->substr(kScheme.size());
}

// Who called is not known yet.
Caller nobody_at(const transport::Peer& peer) {
  return {.address = peer.address};
}

std::optional<Digest> announced_body(const records::RequestSignature& signature,
                                     const Presented& presented) {
  if (!signature.covers("content-digest")) return std::nullopt;
  const std::optional<std::string> field = presented.field("content-digest");
  if (!field) return std::nullopt;  // then the signature can't be verified either
  return records::parse_content_digest(*field);
}

}  // namespace

Authentication::Authentication(storage::Store& store, const crypto::VerifyKey& gateway_key,
                               AuthenticationOptions options)
    : store_(store),
      gateway_key_(gateway_key),
      options_(std::move(options)),
      principals_(options_.rates.principal * kSavedUp.count(), kSavedUp),
      peers_(options_.rates.peer * kSavedUp.count(), kSavedUp),
      failures_(options_.rates.failures, std::chrono::minutes{1}),
      logins_(1, kBetweenLogins) {}

void Authentication::admit(const transport::Peer& peer) {
  if (!peers_.take(peer.network)) {
    throw Error(ErrorCode::kTooManyRequests, "over the rate of one network");
  }
}

Caller Authentication::authenticate(const Presented& presented) {
  Caller caller;
  if (presented.peer.certificate) {
    caller = by_certificate(presented);
  } else if (const auto token = bearer_token(presented)) {
    caller = by_token(presented, *token);
  } else {
    caller = by_signature(presented);
  }
  if (!principals_.take(caller.principal->text())) {
    throw Error(ErrorCode::kTooManyRequests, "over the rate of one principal");
  }
  remember_login(caller);
  return caller;
}

Authentication::Stranger Authentication::stranger(const Presented& presented) {
  records::RequestSignature signature = read_signature(presented);
  const std::optional<Digest> body = announced_body(signature, presented);
  if (!body) {
    throw refused(ErrorCode::kUnauthenticated, "no digest", nobody_at(presented.peer),
                  presented.peer);
  }
  return {std::move(signature), *body};
}

void Authentication::verify(const Stranger& stranger, const Presented& presented,
                            const crypto::VerifyKey& key) {
  verify(stranger.signature, presented, key, nobody_at(presented.peer));
}

void Authentication::allow_guess(const transport::Peer& peer) {
  if (failures_.spent(peer.network)) {
    throw Error(ErrorCode::kTooManyRequests, "this network has failed too often");
  }
}

Error Authentication::refused(ErrorCode code, const char* reason, const Caller& caller,
                              const transport::Peer& peer) {
  if (!failures_.take(peer.network)) {
    return {ErrorCode::kTooManyRequests, "this network has failed too often"};
  }
  storage::AuditEvent event = caller.did(AuditKind::kRefusal);
  event.outcome = AuditOutcome::kFailure;
  store_.audit().append(caller.tenant, event);
  log::warn("caller refused", {{"reason", reason}, {"peer", peer.address}});
  return {code, reason};
}

void Authentication::certificate_refused(const transport::Peer& peer) noexcept try {
  refused(ErrorCode::kUnauthenticated, "certificate", nobody_at(peer), peer);
} catch (const std::exception&) {
  // The store is away, as its own health check tells. The transport's line in the log is there.
}

Caller Authentication::by_certificate(const Presented& presented) {
  const auto machine = store_.machines().find_certificate(presented.peer.certificate->spki_sha256);
  if (!machine) {
    throw refused(ErrorCode::kUnauthenticated, "certificate of no machine",
                  nobody_at(presented.peer), presented.peer);
  }
  return this->machine(*machine, presented.peer);
}

Caller Authentication::by_token(const Presented& presented, std::string_view token) {
  allow_guess(presented.peer);
  const std::optional<Token> shown = options_.machine_tokens ? Token::parse(token) : std::nullopt;
  const auto machine =
      shown ? store_.machines().find_token(shown->sha256(), presented.peer.address) : std::nullopt;
  if (!machine) {
    throw refused(ErrorCode::kUnauthenticated, "token", nobody_at(presented.peer), presented.peer);
  }
  return this->machine(*machine, presented.peer);
}

Caller Authentication::machine(const storage::Machine& machine, const transport::Peer& peer) {
  const auto handle = records::Handle::parse(machine.handle);
  if (!handle) throw Error(ErrorCode::kInternal, "a machine whose handle is none");
  return {.role = Role::kMachine,
          .principal_kind = storage::PrincipalKind::kMachine,
          .tenant = machine.tenant,
          .principal = machine.principal,
          .handle = handle,
          .mailbox = machine.mailbox,
          .address = peer.address};
}

records::RequestSignature Authentication::read_signature(const Presented& presented) {
  const auto refuse = [&](const char* reason, ErrorCode code = ErrorCode::kUnauthenticated) {
    return refused(code, reason, nobody_at(presented.peer), presented.peer);
  };
  const auto input = presented.field("signature-input");
  const auto value = presented.field("signature");
  if (!input || !value) throw refuse("nothing shown");
  records::RequestSignature signature = [&] {
    try {
      return records::parse_request_signature(*input, *value);
    } catch (const Error&) {
      throw refuse("grammar");
    }
  }();
  if (const auto fault = records::find_fault(signature, presented.has_body, records::now())) {
    const bool clock = *fault == records::SignatureFault::kFromTheFuture ||
                       *fault == records::SignatureFault::kExpired;
    throw refuse(records::to_string(*fault),
                 clock ? ErrorCode::kClockSkew : ErrorCode::kUnauthenticated);
  }
  return signature;
}

void Authentication::verify(const records::RequestSignature& signature, const Presented& presented,
                            const crypto::VerifyKey& key, const Caller& caller) {
  const std::string uri = options_.public_url + std::string(presented.target);
  const auto lines = [&](std::string_view name) {
    const std::optional<std::string> value = presented.field(name);
    return value ? std::vector{*value} : std::vector<std::string>{};
  };
  try {
    records::verify_request(signature, {presented.method, uri, lines}, key);
  } catch (const Error&) {
    throw refused(ErrorCode::kUnauthenticated, "signature", caller, presented.peer);
  }
}

std::optional<records::Device> Authentication::device_of(const storage::KeyHolder& holder,
                                                         const records::Handle& handle,
                                                         const crypto::VerifyKey& key) const {
  for (auto& device :
       records::devices_of(handle, verified(holder.history), gateway_key_, records::now())) {
    if (device.record.signing_key == key) return std::move(device);
  }
  return std::nullopt;
}

Caller Authentication::by_signature(const Presented& presented) {
  Caller caller = nobody_at(presented.peer);
  const records::RequestSignature signature = read_signature(presented);
  const auto refuse = [&](const char* reason) {
    return refused(ErrorCode::kUnauthenticated, reason, caller, presented.peer);
  };

  const std::optional<storage::KeyHolder> holder = store_.devices().find_key(signature.key_id);
  if (!holder) throw refuse("key of nobody");
  caller.tenant = holder->tenant;
  const auto key = crypto::VerifyKey::parse(holder->device.signing_key);
  const auto handle = records::Handle::parse(holder->device.handle);
  if (!key || key->fingerprint() != signature.key_id || !handle) {
    throw Error(ErrorCode::kInternal, "a device in the directory isn't the one it is filed as");
  }
  verify(signature, presented, *key, caller);
  try {
    caller.announced_body = announced_body(signature, presented);
  } catch (const Error&) {
    throw refuse("signature");
  }

  // From here on it is the device that asks, and it is named when it is refused.
  caller.principal = holder->device.principal;
  caller.handle = handle;
  caller.principal_kind = holder->kind;
  caller.device = device_of(*holder, *handle, *key);
  if (!caller.device || caller.device->state == records::DeviceState::kRevoked ||
      holder->principal_revoked) {
    throw refuse("revoked");
  }
  spend_nonce(signature, caller, presented.peer);
  if (caller.device->state != records::DeviceState::kActive) {
    caller.role = Role::kApplicant;
  } else {
    caller.role = caller.principal_kind == storage::PrincipalKind::kAdministrator
                      ? Role::kAdministrator
                      : Role::kPerson;
  }
  return caller;
}

bool Authentication::still_stands(const Caller& caller) {
  const crypto::VerifyKey& key = caller.device->record.signing_key;
  const auto holder = store_.devices().find_key(key.fingerprint());
  if (!holder || holder->principal_revoked) return false;
  const auto device = device_of(*holder, *caller.handle, key);
  return device && device->state == records::DeviceState::kActive;
}

void Authentication::spend_nonce(const records::RequestSignature& signature, const Caller& caller,
                                 const transport::Peer& peer) {
  // Until it can't be used any more: the signature is too old then.
  if (!store_.nonces().claim(caller.tenant, signature.key_id, *signature.nonce,
                             *signature.expires + records::kClockTolerance)) {
    throw refused(ErrorCode::kUnauthenticated, "replayed", caller, peer);
  }
  if (++nonces_ % kNoncesBetweenSweeps == 0) store_.nonces().sweep(kSweptAtOnce);
}

// There are no sessions. A login is a caller's first request in an hour.
void Authentication::remember_login(const Caller& caller) {
  const storage::AuditEvent event = caller.did(AuditKind::kLogin);
  if (logins_.take(event.device.value_or(caller.principal->text()))) {
    store_.audit().append(caller.tenant, event);
  }
}

}  // namespace letterbox::gateway
