#include "gateway/directory/recipients.h"

#include <set>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

// Records are verified each time they are read: the database isn't trusted to hold what was put in.
KnownDevice known(const storage::Device& device) {
  records::Envelope envelope = records::parse_envelope(device.record);
  records::DeviceRecord record = records::verify_device_record(envelope);
  if (record.recipient.text() != device.recipient || record.handle.text() != device.handle) {
    throw Error(ErrorCode::kInternal,
                "a device record in the directory isn't the one it is filed as");
  }
  return {std::move(record), std::move(envelope)};
}

std::vector<storage::Device> look_up(storage::DeviceStore& directory, const std::string& name) {
  if (crypto::X25519Recipient::parse(name)) {
    if (auto device = directory.find_recipient(storage::kGateway, name))
      return {*std::move(device)};
    return {};
  }
  if (records::Handle::parse(name)) return directory.list(storage::kGateway, name);
  throw Error(ErrorCode::kMalformedRecipient, "a recipient is neither a handle nor an age1 string");
}

}  // namespace

std::vector<KnownDevice> resolve(storage::DeviceStore& directory,
                                 const std::vector<std::string>& names) {
  if (names.empty()) throw Error(ErrorCode::kNoRecipient, "no recipient named");
  std::vector<KnownDevice> devices;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    const std::vector<storage::Device> found = look_up(directory, name);
    if (found.empty()) {
      throw Error(ErrorCode::kUnknownRecipient, "a recipient isn't in the directory");
    }
    for (const storage::Device& device : found) {
      if (!seen.insert(device.recipient).second) continue;
      if (devices.size() == records::kMaxRecipients) {
        throw Error(ErrorCode::kTooLarge, "more recipient devices than a cover may list");
      }
      devices.push_back(known(device));
    }
  }
  return devices;
}

std::vector<records::CoverRecipient> cover_recipients(const std::vector<KnownDevice>& devices) {
  std::vector<records::CoverRecipient> recipients;
  recipients.reserve(devices.size());
  for (const KnownDevice& device : devices) {
    recipients.push_back({device.record.handle, device.record.recipient, std::nullopt});
  }
  return recipients;
}

records::DeviceRecord signer(storage::DeviceStore& directory, const records::Handle& handle,
                             const std::string& key_id) {
  for (const storage::Device& device : directory.list(storage::kGateway, handle.text())) {
    KnownDevice candidate = known(device);
    if (candidate.record.signing_key.fingerprint() == key_id) return std::move(candidate.record);
  }
  throw Error(ErrorCode::kBadSignature, "the signer isn't a device of the sender");
}

}  // namespace letterbox::gateway
