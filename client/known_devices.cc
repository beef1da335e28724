#include "client/known_devices.h"

#include <algorithm>

#include "base/error.h"
#include "client/files.h"
#include "client/home.h"

namespace letterbox::client {
namespace {

constexpr const char* kRevoked = "revoked";

std::string file_name(const crypto::X25519Recipient& recipient) {
  return recipient.text() + ".json";
}

}  // namespace

KnownDevices::KnownDevices(std::filesystem::path directory)
    : directory_(std::move(directory)),
      devices_(read_device_records(directory_)),
      revoked_(read_device_records(directory_ / kRevoked)) {}

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
  if (std::ranges::count(revoked_, device.recipient, &records::DeviceRecord::recipient) > 0)
    throw Error(ErrorCode::kConflict,
                "this device of " + device.handle.text() + " was revoked, and that is for good");
  const std::string text = records::to_json(envelope) + "\n";
  write_new_file(directory_ / file_name(device.recipient), as_bytes(text));
  return devices_.emplace_back(device);
}

std::size_t KnownDevices::remove(std::string_view who) {
  return std::erase_if(devices_, [&](const records::DeviceRecord& device) {
    if (device.handle.text() != who && device.recipient.text() != who) return false;
    std::filesystem::remove(directory_ / file_name(device.recipient));
    return true;
  });
}

bool KnownDevices::retire(const crypto::X25519Recipient& recipient) {
  const auto found = std::ranges::find(devices_, recipient, &records::DeviceRecord::recipient);
  if (found == devices_.end()) return false;
  std::filesystem::create_directory(directory_ / kRevoked);
  std::filesystem::rename(directory_ / file_name(recipient),
                          directory_ / kRevoked / file_name(recipient));
  revoked_.push_back(*found);
  devices_.erase(found);
  return true;
}

}  // namespace letterbox::client
