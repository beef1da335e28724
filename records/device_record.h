// The device record: who a device belongs to, the age key it opens with, the key it signs with.
//
// Other records name it by the hash of its bytes (payload_hash()); it has no other id.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kDeviceRecordType =
    "application/vnd.letterbox.device-record.v1+json";

struct DeviceRecord {
  Handle handle;
  crypto::X25519Recipient recipient;
  crypto::VerifyKey signing_key;
  Time created;
  /// In the record of a replacement first device alone: it isn't its owner's before. Later than
  /// created.
  std::optional<Time> not_before = std::nullopt;
};

/// How long a replacement first device waits, unless somebody asks for longer.
inline constexpr std::chrono::hours kReplacementWait{24};

/// The record signed by the key that it names. Throws Error kMalformed if it isn't before
/// not_before that it was created.
Envelope sign_device_record(const DeviceRecord& record, const crypto::SigningKey& key);

/// Parses and checks the self-signature: it proves that the maker holds the signing key, not that
/// the maker is whom the handle says: see records/devices.h for that. Throws Error kMalformed or
/// kBadSignature.
DeviceRecord verify_device_record(const Envelope& envelope);

}  // namespace letterbox::records
