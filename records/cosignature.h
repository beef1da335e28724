// The cosignature: a device's word that another device belongs to the same owner.
//
// An envelope has one signature, so a cosigned device record is not a record with two, but a device
// record and this record about it.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "crypto/signing.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kCosignatureType =
    "application/vnd.letterbox.device-cosignature.v1+json";

struct Cosignature {
  Digest device;                  ///< payload_hash() of the device record that is vouched for
  crypto::VerifyKey signing_key;  ///< the cosigner's
  Time created;                   ///< the cosigner's claim; no rule rests on it
};

/// The cosignature signed by the key that it names.
Envelope sign_cosignature(const Cosignature& cosignature, const crypto::SigningKey& key);

/// Parses and checks the signature: it proves that the holder of the key vouched. Whether that
/// holder could is for devices_of() to say (records/devices.h). Throws Error kMalformed or
/// kBadSignature.
Cosignature verify_cosignature(const Envelope& envelope);

}  // namespace letterbox::records
