// The receipt: a recipient's device says that it opened a delivery. Nobody has to send one.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kReceiptType = "application/vnd.letterbox.receipt.v1+json";

/// That every file which the manifest lists was verified and decrypted there.
struct Receipt {
  Uuid delivery;
  Digest manifest;                    ///< payload_hash() of the manifest's envelope
  crypto::X25519Recipient recipient;  ///< the device's age key, as the cover lists it
  Time opened;                        ///< by the device's own clock
};

/// Signed by the recipient's device.
Envelope sign_receipt(const Receipt& receipt, const crypto::SigningKey& key);

/// Strict, as parse_cover. Whether `key` is that of the device which `recipient` names, the caller
/// has to know. Throws Error kMalformed or kBadSignature.
Receipt verify_receipt(const Envelope& envelope, const crypto::VerifyKey& key);

/// What it says, before it is known who signed it: to find out whose key that must be. Throws Error
/// kMalformed.
Receipt parse_receipt(ByteView bytes);

}  // namespace letterbox::records
