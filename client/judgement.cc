#include "client/judgement.h"

#include <algorithm>
#include <set>

namespace letterbox::client {
namespace {

bool contains(std::span<const records::DeviceRecord> pins, const records::DeviceRecord& record) {
  return std::ranges::any_of(pins, [&](const auto& pin) { return same_device(pin, record); });
}

// The pinned devices, and all that a chain of cosignatures leads to from there.
std::set<Digest> vouched_for(const std::vector<records::Device>& devices, const Pins& pins) {
  std::set<Digest> reached;
  for (bool grows = true; grows;) {
    grows = false;
    for (const records::Device& device : devices) {
      if (reached.contains(device.hash) || contains(pins.revoked, device.record)) continue;
      const bool cosigned = device.voucher && reached.contains(*device.voucher);
      if (!cosigned && !contains(pins.known, device.record)) continue;
      reached.insert(device.hash);
      grows = true;
    }
  }
  return reached;
}

}  // namespace

bool same_device(const records::DeviceRecord& a, const records::DeviceRecord& b) {
  return a.handle == b.handle && a.signing_key == b.signing_key && a.recipient == b.recipient;
}

std::vector<JudgedDevice> judge(const records::Handle& handle,
                                std::vector<records::AcceptedRecord> history, const Pins& pins,
                                const crypto::VerifyKey& gateway, records::Time at) {
  const std::vector<records::Device> devices =
      records::devices_of(handle, std::move(history), gateway, at);
  const std::set<Digest> reached = vouched_for(devices, pins);
  const auto standing = [&](const records::Device& device) {
    if (contains(pins.revoked, device.record)) return Standing::kRevoked;
    switch (device.state) {
      case records::DeviceState::kUnvouched:
        return Standing::kUnvouched;
      case records::DeviceState::kWaiting:
        return Standing::kWaiting;
      case records::DeviceState::kRevoked:
        return Standing::kRevoked;
      case records::DeviceState::kActive:
        break;
    }
    if (contains(pins.known, device.record)) return Standing::kPinned;
    return reached.contains(device.hash) ? Standing::kIntroduced : Standing::kStranger;
  };
  std::vector<JudgedDevice> judged;
  judged.reserve(devices.size());
  for (const records::Device& device : devices) judged.push_back({device, standing(device)});
  return judged;
}

}  // namespace letterbox::client
