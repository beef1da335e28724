#include "client/addressees.h"

#include <algorithm>
#include <optional>

#include "base/error.h"

namespace letterbox::client {
namespace {

// Text of the user's own, which still may hold what a terminal would obey.
[[noreturn]] void refuse_recipient(std::size_t index) {
  throw Error(ErrorCode::kUsage, "recipient " + std::to_string(index + 1) +
                                     " is neither a handle (name@tenant) nor an age1… string");
}

const records::DeviceRecord* find(std::span<const records::DeviceRecord> devices,
                                  const crypto::X25519Recipient& recipient) {
  const auto found = std::ranges::find(devices, recipient, &records::DeviceRecord::recipient);
  return found == devices.end() ? nullptr : &*found;
}

}  // namespace

Addressees::Addressees(const std::vector<std::string>& texts) {
  if (texts.empty()) throw Error(ErrorCode::kUsage, "nobody to send to; say --to name@tenant");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (const auto handle = records::Handle::parse(texts[i])) {
      handles_.push_back(*handle);
    } else if (const auto device = crypto::X25519Recipient::parse(texts[i])) {
      devices_.push_back(*device);
    } else {
      refuse_recipient(i);
    }
  }
}

std::vector<std::string> Addressees::texts() const {
  std::vector<std::string> texts;
  for (const auto& handle : handles_) texts.push_back(handle.text());
  for (const auto& device : devices_) texts.push_back(device.text());
  return texts;
}

bool Addressees::names(const records::CoverRecipient& recipient) const {
  return std::ranges::count(handles_, recipient.handle) > 0 ||
         std::ranges::count(devices_, recipient.recipient) > 0;
}

void Addressees::check(const records::Cover& cover,
                       std::span<const records::DeviceRecord> sealable) const {
  for (const records::CoverRecipient& recipient : cover.recipients) {
    const records::DeviceRecord* const device = find(sealable, recipient.recipient);
    if (device == nullptr || device->handle != recipient.handle)
      throw Error(ErrorCode::kUntrustedKey,
                  "the gateway wants to have it sealed for a device of " + recipient.handle.text() +
                      " that isn't known here, or isn't theirs now: " + recipient.recipient.text() +
                      "; letterbox trust " + recipient.handle.text() +
                      " shows what the gateway "
                      "says of their devices");
    if (!names(recipient))
      throw Error(ErrorCode::kCoverMismatch, "the gateway wants to have it sealed for " +
                                                 recipient.handle.text() +
                                                 ", whom you didn't name");
  }
  for (const auto& handle : handles_) {
    if (std::ranges::count(cover.recipients, handle, &records::CoverRecipient::handle) == 0)
      throw Error(ErrorCode::kCoverMismatch, "the gateway's cover leaves out " + handle.text());
  }
  for (const auto& device : devices_) {
    if (!cover.lists(device))
      throw Error(ErrorCode::kCoverMismatch, "the gateway's cover leaves out " + device.text());
  }
}

}  // namespace letterbox::client
