#include "client/known_devices.h"

#include <algorithm>

#include "base/error.h"
#include "client/files.h"
#include "client/home.h"

namespace letterbox::client {

KnownDevices::KnownDevices(std::filesystem::path directory) : directory_(std::move(directory)) {
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    if (entry.path().extension() != ".json") continue;
    const records::Envelope envelope = read_envelope(entry.path());
    try {
      devices_.push_back(records::verify_device_record(envelope));
    } catch (const Error& error) {
      throw Error(error.code(), entry.path().string() + ": " + error.what());
    }
  }
  std::ranges::sort(devices_, [](const auto& a, const auto& b) {
    return std::tie(a.handle, a.recipient) < std::tie(b.handle, b.recipient);
  });
}

const records::DeviceRecord* KnownDevices::find(const crypto::X25519Recipient& recipient) const {
  const auto found = std::ranges::find(devices_, recipient, &records::DeviceRecord::recipient);
  return found == devices_.end() ? nullptr : &*found;
}

const records::DeviceRecord& KnownDevices::add(const records::Envelope& envelope) {
  const records::DeviceRecord device = records::verify_device_record(envelope);
  if (const records::DeviceRecord* known = find(device.recipient)) {
    if (known->handle == device.handle && known->signing_key == device.signing_key) return *known;
    throw Error(ErrorCode::kConflict,
                "this age key is known already as a device of " + known->handle.text() +
                    " with another signing key or handle; remove that one first if it is outdated");
  }
  const std::string text = records::to_json(envelope) + "\n";
  write_new_file(directory_ / (device.recipient.text() + ".json"), as_bytes(text));
  return devices_.emplace_back(device);
}

std::size_t KnownDevices::remove(std::string_view who) {
  return std::erase_if(devices_, [&](const records::DeviceRecord& device) {
    if (device.handle.text() != who && device.recipient.text() != who) return false;
    std::filesystem::remove(directory_ / (device.recipient.text() + ".json"));
    return true;
  });
}

}  // namespace letterbox::client
