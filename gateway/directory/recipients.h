// From the names that a sender gives to the devices that a file is sealed for.
#pragma once

#include <string>
#include <vector>

#include "records/cover.h"
#include "records/device_record.h"
#include "storage/device_store.h"

namespace letterbox::gateway {

/// A device of the directory: its verified record, and the envelope that it came in.
struct KnownDevice {
  records::DeviceRecord record;
  records::Envelope envelope;
};

/// The devices behind `names`, in the order named and none twice. A name is a handle, which stands
/// for all its devices, or the age1… string of one device. Throws Error kNoRecipient,
/// kMalformedRecipient, kUnknownRecipient, or kTooLarge above records::kMaxRecipients. Thread-safe.
std::vector<KnownDevice> resolve(storage::DeviceStore& directory,
                                 const std::vector<std::string>& names);

/// The devices as a cover lists them.
std::vector<records::CoverRecipient> cover_recipients(const std::vector<KnownDevice>& devices);

/// The device of `handle` whose signing key has the fingerprint `key_id`. Throws Error
/// kBadSignature if there is none: whoever signed isn't a device of that handle.
records::DeviceRecord signer(storage::DeviceStore& directory, const records::Handle& handle,
                             const std::string& key_id);

}  // namespace letterbox::gateway
