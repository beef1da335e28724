// How a device comes into the directory, and what devices say of each other.
#pragma once

#include <string>
#include <string_view>

#include "base/uuid.h"
#include "crypto/signing.h"
#include "gateway/identity/caller.h"
#include "records/devices.h"
#include "records/dsse.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Most records about one handle: what follows from them is derived with every request.
inline constexpr std::size_t kMostRecords = 500;

/// What became of a device that was let in.
struct Enrolled {
  storage::Principal principal;
  records::Device device;
};

/// Lets `record`'s device in by an invitation, durable when it returns. Whether it is the owner's
/// at once is for the records to say: a first device is, a replacement waits, any other needs a
/// cosignature. `address` is written down as where it came from. Nothing, and nothing is changed,
/// if the invitation can't be used for it: why, the caller can't tell. Throws Error kMalformed,
/// kBadSignature, kConflict (the keys are known already, or the handle has too many records),
/// kUnavailable. Thread-safe.
std::optional<Enrolled> enrol(storage::Store& store, const crypto::VerifyKey& gateway_key,
                              const Digest& invitation, const records::Envelope& record,
                              const std::string& address);

/// Files a cosignature or a revocation that `caller`'s device signed about the device with the key
/// `key_id` of the same tenant. Throws Error kMalformed, kBadSignature (also: signed by another
/// key, or about another device), kConflict (it changes nothing: the device is active, or revoked,
/// already, or `caller` couldn't say it), kUnavailable. Thread-safe.
void file_record(storage::Store& store, const crypto::VerifyKey& gateway_key, const Caller& caller,
                 const storage::Device& device, const records::Envelope& record);

}  // namespace letterbox::gateway
