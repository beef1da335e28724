// The device record: who a device belongs to, the age key it opens with, the key it signs with.
#pragma once

#include <string>
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
};

/// The record signed by the key that it names.
Envelope sign_device_record(const DeviceRecord& record, const crypto::SigningKey& key);

/// Parses and checks the self-signature: it proves that the maker holds the signing key, not that
/// the maker is whom the handle says. Throws Error kMalformed or kBadSignature.
DeviceRecord verify_device_record(const Envelope& envelope);

}  // namespace letterbox::records
