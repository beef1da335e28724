// This device at the gateway: it signs what it asks, and looks at what the directory says of
// people before it believes any of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "client/answers.h"
#include "client/gateway_connection.h"
#include "client/judgement.h"
#include "client/known_devices.h"
#include "client/seen_versions.h"
#include "client/session.h"
#include "records/devices.h"

namespace letterbox::client {

/// For one thread at a time. `session` must outlive it.
class Caller {
 public:
  /// Opens the key file, and asks for the passphrase if need be. Then fetches what the directory
  /// has of this device's own handle, and tells its user of every device there that needs to be
  /// known of. Throws what these throw; kUnauthenticated where the gateway doesn't know the device
  /// (any more).
  explicit Caller(const Session& session);
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  const Session& session() const noexcept { return session_; }
  GatewayConnection& gateway() noexcept { return connection_; }
  /// For another thread. This must outlive it.
  std::unique_ptr<GatewayConnection> another_connection() const;
  const Gateway& trusted_gateway() const noexcept { return gateway_; }
  const DeviceKeys& keys() const noexcept { return keys_; }
  const crypto::SigningKey& signing_key() const noexcept { return *keys_.signing_key; }
  const records::DeviceRecord& device() const noexcept { return device_; }
  const KnownDevices& known() const noexcept { return known_; }
  /// As this device judges signatures by now.
  TrustedKeys trusted_keys() const;

  /// Throws Error kNotAllowed, with what to do, unless this device is its owner's by now.
  void check_active() const;

  /// Somebody's devices. Those that known ones introduce are known from now on, those that were
  /// revoked no longer, each with a notice. The directory is asked once for each handle. Throws
  /// Error kNotFound, kMalformed, kBadSignature.
  std::vector<JudgedDevice> look_up(const records::Handle& handle);
  /// Knows a device that was looked up, because our user says so.
  void pin(const records::Device& device);
  /// Stops knowing one, for good, because it was revoked.
  void retire(const records::Device& device) { known_.retire(device.record.recipient); }

  /// Verifies what somebody sent, after looking up whoever made its covers if a signer isn't known:
  /// a known device may have introduced it. Where none did, our user is told of a stranger's doing.
  /// What was verified is remembered as seen. Throws Refused, and what look_up throws.
  VerifiedDelivery verify(const UnverifiedDelivery& delivery);
  /// The same of covers alone.
  VerifiedChain verify_covers(const Uuid& delivery, std::span<const records::Envelope> covers);
  /// VerifiedChain::unvouched, without our user's own devices that are known here.
  std::vector<records::CoverRecipient> unvouched(const VerifiedChain& chain) const;
  /// Remembers a cover that this device made itself.
  void saw(const records::SignedCover& cover) {
    seen_.remember(cover.cover.delivery, {cover.cover.version, cover.hash});
  }

 private:
  bool knows_maker(const records::Envelope& cover) const;
  const std::vector<records::AcceptedRecord>& take(const HistoryAnswer& answer);
  std::vector<JudgedDevice> judged(const records::Handle& handle,
                                   const std::vector<records::AcceptedRecord>& history);
  void meet_makers(std::span<const records::Envelope> covers);
  void meet(const std::string& key_id);
  void read(const VerifiedChain& chain);
  void tell_of_own_devices();

  const Session& session_;
  records::DeviceRecord device_;
  Gateway gateway_;
  KnownDevices known_;
  std::vector<records::DeviceRecord> strangers_;
  SeenVersions seen_;
  DeviceKeys keys_;
  GatewayConnection connection_;                 // signs with keys_
  std::optional<records::Device> in_directory_;  // this device, if it is there
  std::map<records::Handle, std::vector<records::AcceptedRecord>> histories_;
  std::map<Digest, records::Envelope> device_records_;  // of all of these
  std::set<Uuid> told_of_;                              // deliveries
};

/// "fingerprint 0123… (babab-…)": what two people compare.
std::string fingerprint_text(const crypto::VerifyKey& key);
/// Whether `text` is the fingerprint of `key`, whole, in hexadecimal or words.
bool is_fingerprint(std::string_view text, const crypto::VerifyKey& key);

}  // namespace letterbox::client
