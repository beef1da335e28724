// From the names that a sender gives to the devices that a file is sealed for.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "crypto/signing.h"
#include "records/cover.h"
#include "records/devices.h"
#include "storage/device_store.h"
#include "storage/tenant_store.h"

namespace letterbox::gateway {

/// Where names are looked up.
struct Directory {
  storage::DeviceStore& devices;
  storage::TenantId tenant;
  const crypto::VerifyKey& gateway_key;  ///< signs revocations for administrators
};

/// The active devices behind `names`, in the order named and none twice. A name is a handle, which
/// stands for all its devices, or the age1… string of one device. Throws Error kNoRecipient,
/// kMalformedRecipient, kUnknownRecipient (nobody of that name, or none of its devices is active),
/// or kTooLarge above records::kMaxRecipients. Thread-safe.
std::vector<records::Device> resolve(const Directory& directory,
                                     const std::vector<std::string>& names);

/// The same for those of a mailbox, where handles without an active device are passed over. Throws
/// Error kConflict if nobody is left: what nobody could open isn't taken in.
std::vector<records::Device> resolve_mailbox(const Directory& directory,
                                             const std::set<std::string>& handles);

/// Throws Error kUnknownRecipient unless each is an active device of the handle that it is listed
/// under.
void require_active(const Directory& directory,
                    const std::vector<records::CoverRecipient>& recipients);

/// The devices as a cover lists them.
std::vector<records::CoverRecipient> cover_recipients(const std::vector<records::Device>& devices);

}  // namespace letterbox::gateway
