#include "records/devices.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/error.h"

namespace letterbox::records {

namespace {

// The state of a handle's devices, as record after record is accepted.
class Derivation {
 public:
  Derivation(const Handle& handle, const std::vector<AcceptedRecord>& in_order,
             const crypto::VerifyKey& gateway, std::chrono::seconds shortest_wait)
      : gateway_(gateway), shortest_wait_(shortest_wait) {
    // All are known from the start, so that a revocation counts whichever came first.
    for (const AcceptedRecord& accepted : in_order) {
      const auto* record = std::get_if<DeviceRecord>(&accepted.record);
      if (record == nullptr || record->handle != handle || find(accepted.hash) != nullptr) continue;
      devices_.push_back({.hash = accepted.hash, .record = *record});
    }
  }

  void pass_to(Time clock) {
    clock_ = clock;
    while (Device* device = next_to_begin()) admit(*device, Entrance::kReplacement);
  }

  void take(const AcceptedRecord& accepted) {
    if (std::holds_alternative<DeviceRecord>(accepted.record)) {
      if (Device* device = find(accepted.hash)) enter(*device);
    } else if (const auto* cosignature = std::get_if<Cosignature>(&accepted.record)) {
      cosign(*cosignature);
    } else {
      revoke(std::get<Revocation>(accepted.record));
    }
  }

  std::vector<Device> devices() && { return std::move(devices_); }

 private:
  void enter(Device& device) {
    accepted_.insert(device.hash);
    if (device.state != DeviceState::kUnvouched) return;
    if (device.record.not_before) {
      device.state = DeviceState::kWaiting;
      device.waits_until = std::max(*device.record.not_before, clock_ + shortest_wait_);
    } else if (std::ranges::none_of(devices_, has_entered)) {
      admit(device, Entrance::kFirst);
    }
  }

  void cosign(const Cosignature& cosignature) {
    Device* device = find(cosignature.device);
    const Device* cosigner = active(cosignature.signing_key);
    // Ahead of its device a cosignature is nothing. If it became something when the device comes,
    // so would everything that the device said before, and undo what was settled.
    if (device == nullptr || !accepted_.contains(device->hash) || cosigner == nullptr) return;
    if (device->state == DeviceState::kUnvouched || device->state == DeviceState::kWaiting) {
      admit(*device, Entrance::kCosigned, cosigner->hash);
    }
  }

  void revoke(const Revocation& revocation) {
    Device* device = find(revocation.device);
    if (device == nullptr || device->state == DeviceState::kRevoked) return;
    if (!may_revoke(revocation, *device)) return;
    device->state = DeviceState::kRevoked;
    device->waits_until.reset();
    device->revoked = revocation;
  }

  bool may_revoke(const Revocation& revocation, const Device& device) const {
    switch (revocation.revoked_by) {
      case RevokedBy::kGateway:
        return revocation.signing_key == gateway_;
      case RevokedBy::kDevice:
        return revocation.signing_key == device.record.signing_key ||
               active(revocation.signing_key) != nullptr;
    }
    return false;
  }

  void admit(Device& device, Entrance entrance, std::optional<Digest> voucher = std::nullopt) {
    device.waits_until.reset();
    if (keys_are_taken(device)) {
      device.state = DeviceState::kUnvouched;
      return;
    }
    device.state = DeviceState::kActive;
    device.entrance = entrance;
    device.voucher = voucher;
  }

  static bool has_entered(const Device& device) { return device.entrance != Entrance::kNone; }

  bool keys_are_taken(const Device& device) const {
    return std::ranges::any_of(devices_, [&](const Device& other) {
      return has_entered(other) && (other.record.signing_key == device.record.signing_key ||
                                    other.record.recipient == device.record.recipient);
    });
  }

  // By time, not by hash: of two with one key the earlier has it, however the clock jumped.
  Device* next_to_begin() {
    Device* next = nullptr;
    for (Device& device : devices_) {
      if (device.state != DeviceState::kWaiting || *device.waits_until > clock_) continue;
      if (next == nullptr || *device.waits_until < *next->waits_until) next = &device;
    }
    return next;
  }

  Device* find(const Digest& hash) {
    const auto found = std::ranges::find(devices_, hash, &Device::hash);
    return found == devices_.end() ? nullptr : &*found;
  }

  // At most one: an active device shares its keys with no other.
  const Device* active(const crypto::VerifyKey& key) const {
    const auto found = std::ranges::find_if(devices_, [&](const Device& device) {
      return device.state == DeviceState::kActive && device.record.signing_key == key;
    });
    return found == devices_.end() ? nullptr : &*found;
  }

  const crypto::VerifyKey& gateway_;
  std::chrono::seconds shortest_wait_;
  std::vector<Device> devices_;
  std::set<Digest> accepted_;  // of these, so far
  Time clock_ = Time::min();
};

}  // namespace

std::string_view to_text(DeviceState state) noexcept {
  switch (state) {
    case DeviceState::kUnvouched:
      return "unvouched";
    case DeviceState::kWaiting:
      return "waiting";
    case DeviceState::kActive:
      return "active";
    case DeviceState::kRevoked:
      return "revoked";
  }
  return "";
}

AcceptedRecord verify_accepted(const Envelope& envelope, std::uint64_t position, Time accepted) {
  const auto as_accepted = [&](auto record) {
    return AcceptedRecord{payload_hash(envelope), std::move(record), position, accepted};
  };
  if (envelope.payload_type == kCosignatureType) return as_accepted(verify_cosignature(envelope));
  if (envelope.payload_type == kRevocationType) return as_accepted(verify_revocation(envelope));
  return as_accepted(verify_device_record(envelope));
}

std::vector<Device> devices_of(const Handle& handle, std::vector<AcceptedRecord> records,
                               const crypto::VerifyKey& gateway, Time at,
                               std::chrono::seconds shortest_wait) {
  // Two positions that are equal are an acceptor's fault; the hash then makes one order of them.
  std::ranges::sort(records, [](const AcceptedRecord& a, const AcceptedRecord& b) {
    return std::tie(a.position, a.hash) < std::tie(b.position, b.hash);
  });
  Derivation derivation(handle, records, gateway, shortest_wait);
  Time clock = Time::min();
  for (const AcceptedRecord& record : records) {
    clock = std::clamp(record.accepted, clock, at);  // never back, and never past the caller's own
    derivation.pass_to(clock);
    derivation.take(record);
  }
  derivation.pass_to(at);
  return std::move(derivation).devices();
}

}  // namespace letterbox::records
