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

const records::DeviceRecord* find(std::span<const records::DeviceRecord> known,
                                  const crypto::X25519Recipient& recipient) {
  const auto found = std::ranges::find(known, recipient, &records::DeviceRecord::recipient);
  return found == known.end() ? nullptr : &*found;
}

// The gateway's record of a recipient, which must be about that recipient.
records::DeviceRecord directory_record(const records::Envelope& envelope,
                                       const records::CoverRecipient& recipient) {
  records::DeviceRecord record = records::verify_device_record(envelope);
  if (record.handle != recipient.handle || record.recipient != recipient.recipient)
    throw Error(ErrorCode::kCoverMismatch,
                "the gateway's cover and its device records disagree about a device of " +
                    recipient.handle.text());
  return record;
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

bool Addressees::asked_for(const records::CoverRecipient& recipient) const {
  return std::ranges::count(handles_, recipient.handle) > 0 ||
         std::ranges::count(devices_, recipient.recipient) > 0;
}

void Addressees::check(const records::Cover& cover, std::span<const records::DeviceRecord> known,
                       std::span<const records::Envelope> devices) const {
  if (!devices.empty() && devices.size() != cover.recipients.size())
    throw Error(ErrorCode::kCoverMismatch,
                "the gateway's cover and its device records disagree about how many there are");
  for (std::size_t i = 0; i < cover.recipients.size(); ++i) {
    const records::CoverRecipient& recipient = cover.recipients[i];
    const auto record = devices.empty() ? std::optional<records::DeviceRecord>()
                                        : std::optional(directory_record(devices[i], recipient));
    const records::DeviceRecord* const pinned = find(known, recipient.recipient);
    if (pinned == nullptr || pinned->handle != recipient.handle ||
        (record && record->signing_key != pinned->signing_key))
      throw Error(ErrorCode::kUntrustedKey,
                  "the gateway wants to have it sealed for a device of " + recipient.handle.text() +
                      " that isn't known here, or isn't theirs now: " + recipient.recipient.text() +
                      (record ? ", fingerprint " + record->signing_key.fingerprint() : "") +
                      "; ask its owner, and run letterbox trust " + recipient.handle.text() +
                      " if it is genuine");
    if (!asked_for(recipient))
      throw Error(ErrorCode::kCoverMismatch, "the gateway wants to have it sealed for " +
                                                 recipient.handle.text() +
                                                 ", whom you didn't name");
  }
  for (const auto& handle : handles_) {
    if (std::ranges::count(cover.recipients, handle, &records::CoverRecipient::handle) == 0)
      throw Error(ErrorCode::kCoverMismatch, "the gateway's cover leaves out " + handle.text());
  }
  for (const auto& device : devices_) {
    if (std::ranges::count(cover.recipients, device, &records::CoverRecipient::recipient) == 0)
      throw Error(ErrorCode::kCoverMismatch, "the gateway's cover leaves out " + device.text());
  }
}

}  // namespace letterbox::client
