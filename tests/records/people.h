// Devices that say things about each other, and an acceptor that numbers what they say.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/recipient.h"
#include "records/devices.h"
#include "tests/records/fixtures.h"

namespace letterbox::records {

inline const Time kStart = time_of("2026-11-23T12:00:00Z");

/// A device with keys and its signed record. What it signs claims to be of kStart, whenever it is
/// accepted.
struct Somebody {
  explicit Somebody(std::string_view of = "ada@clinic.example",
                    std::optional<Time> not_before = std::nullopt)
      : Somebody(crypto::SigningKey::generate(), crypto::X25519Identity::generate().recipient(), of,
                 not_before) {}
  Somebody(crypto::SigningKey signing_key, const crypto::X25519Recipient& recipient,
           std::string_view of = "ada@clinic.example",
           std::optional<Time> not_before = std::nullopt)
      : key(std::move(signing_key)),
        envelope(sign_device_record({.handle = handle(of),
                                     .recipient = recipient,
                                     .signing_key = key.verify_key(),
                                     .created = kStart,
                                     .not_before = not_before},
                                    key)),
        record(verify_device_record(envelope)),
        hash(payload_hash(envelope)) {}

  Envelope cosigns(const Somebody& other) const {
    return sign_cosignature(
        {.device = other.hash, .signing_key = key.verify_key(), .created = kStart}, key);
  }
  Envelope revokes(const Somebody& other) const { return revokes(other, RevokedBy::kDevice); }
  Envelope revokes(const Somebody& other, RevokedBy as) const {
    return sign_revocation({.device = other.hash,
                            .revoked_by = as,
                            .signing_key = key.verify_key(),
                            .created = kStart},
                           key);
  }

  crypto::SigningKey key;
  Envelope envelope;
  DeviceRecord record;
  Digest hash;
};

/// A copy of a key, which doesn't copy by itself.
inline crypto::SigningKey same_key(const crypto::SigningKey& key) {
  Secret<32> seed;
  std::ranges::copy(key.seed().reveal(), seed.reveal().begin());
  return crypto::SigningKey(std::move(seed));
}

/// Numbers envelopes as they come, one second after another unless told otherwise.
class Acceptor {
 public:
  void accept(const Envelope& envelope) { accept(envelope, last_ + std::chrono::seconds(1)); }
  void accept(const Envelope& envelope, Time at) {
    last_ = at;
    records_.push_back(verify_accepted(envelope, records_.size(), at));
  }

  const std::vector<AcceptedRecord>& records() const noexcept { return records_; }
  /// Ada's, when the last record has just been accepted.
  std::vector<Device> devices() const { return devices(last_); }
  std::vector<Device> devices(Time at) const {
    return devices_of(handle("ada@clinic.example"), records_, gateway.key.verify_key(), at);
  }

  /// Of a device that must be among Ada's.
  Device find(const Somebody& who) const { return find(who, last_); }
  Device find(const Somebody& who, Time at) const {
    for (const Device& device : devices(at)) {
      if (device.hash == who.hash) return device;
    }
    ADD_FAILURE() << "no such device";
    return {.hash = {}, .record = who.record};
  }
  DeviceState state(const Somebody& who) const { return find(who).state; }
  DeviceState state(const Somebody& who, Time at) const { return find(who, at).state; }

  /// Only its key is used.
  Somebody gateway{"gateway@clinic.example"};

 private:
  std::vector<AcceptedRecord> records_;
  Time last_ = kStart;
};

inline void PrintTo(DeviceState state, std::ostream* out) {
  constexpr std::array<std::string_view, 4> kNames{"unvouched", "waiting", "active", "revoked"};
  *out << kNames.at(static_cast<std::size_t>(state));
}

}  // namespace letterbox::records
