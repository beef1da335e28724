#include "gateway/directory/recipients.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "gateway/directory/devices.h"

namespace letterbox::gateway {

namespace {

using Devices = std::vector<records::Device>;

Devices active_devices(const Directory& directory, const records::Handle& handle) {
  Devices devices = devices_of(directory.devices, directory.tenant, handle, directory.gateway_key);
  std::erase_if(devices, [](const records::Device& device) {
    return device.state != records::DeviceState::kActive;
  });
  return devices;
}

Devices look_up(const Directory& directory, const std::string& name) {
  if (const auto handle = records::Handle::parse(name)) return active_devices(directory, *handle);
  const auto recipient = crypto::X25519Recipient::parse(name);
  if (!recipient) {
    throw Error(ErrorCode::kMalformedRecipient,
                "a recipient is neither a handle nor an age1 string");
  }
  const auto device = directory.devices.find_recipient(directory.tenant, name);
  const auto owner = device ? records::Handle::parse(device->handle) : std::nullopt;
  if (!owner) return {};
  Devices devices = active_devices(directory, *owner);
  std::erase_if(devices,
                [&](const records::Device& one) { return one.record.recipient != *recipient; });
  return devices;
}

// Those of `found` that aren't there yet.
void append(Devices& devices, std::set<std::string>& seen, Devices found) {
  for (records::Device& device : found) {
    if (!seen.insert(device.record.recipient.text()).second) continue;
    if (devices.size() == records::kMaxRecipients) {
      throw Error(ErrorCode::kTooLarge, "more recipient devices than a cover may list");
    }
    devices.push_back(std::move(device));
  }
}

}  // namespace

Devices resolve(const Directory& directory, const std::vector<std::string>& names) {
  if (names.empty()) throw Error(ErrorCode::kNoRecipient, "no recipient named");
  Devices devices;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    Devices found = look_up(directory, name);
    if (found.empty()) {
      throw Error(ErrorCode::kUnknownRecipient, "a recipient isn't in the directory");
    }
    append(devices, seen, std::move(found));
  }
  return devices;
}

Devices resolve_mailbox(const Directory& directory, const std::set<std::string>& handles) {
  Devices devices;
  std::set<std::string> seen;
  for (const std::string& handle : handles) append(devices, seen, look_up(directory, handle));
  if (devices.empty()) {
    throw Error(ErrorCode::kConflict, "no recipient of the mailbox has an active device");
  }
  return devices;
}

void require_active(const Directory& directory,
                    const std::vector<records::CoverRecipient>& recipients) {
  std::map<std::string, Devices> known;  // by handle: most are listed with all their devices
  for (const records::CoverRecipient& recipient : recipients) {
    const auto [place, is_new] = known.try_emplace(recipient.handle.text());
    if (is_new) place->second = active_devices(directory, recipient.handle);
    if (std::ranges::none_of(place->second, [&](const records::Device& device) {
          return device.record.recipient == recipient.recipient;
        })) {
      throw Error(ErrorCode::kUnknownRecipient,
                  "no active device of the handle it is listed under");
    }
  }
}

std::vector<records::CoverRecipient> cover_recipients(const Devices& devices) {
  std::vector<records::CoverRecipient> recipients;
  recipients.reserve(devices.size());
  for (const records::Device& device : devices) {
    recipients.push_back({device.record.handle, device.record.recipient, std::nullopt});
  }
  return recipients;
}

}  // namespace letterbox::gateway
