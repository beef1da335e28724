// The revocation: from its acceptance on, a device is nobody's. There is no way back.
//
// Where the device was still waiting, this is the veto of its owner.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "crypto/signing.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kRevocationType =
    "application/vnd.letterbox.device-revocation.v1+json";

enum class RevokedBy : std::uint8_t {
  kDevice,   ///< a device of the same owner, or the revoked one itself
  kGateway,  ///< an administrator, for whom the gateway signs
};
/// "device", "gateway".
std::string_view to_text(RevokedBy revoked_by) noexcept;

struct Revocation {
  Digest device;  ///< payload_hash() of the device record that is revoked
  RevokedBy revoked_by;
  crypto::VerifyKey signing_key;  ///< that device's, or the gateway's
  Time created;                   ///< the signer's claim; no rule rests on it
};

/// The revocation signed by the key that it names.
Envelope sign_revocation(const Revocation& revocation, const crypto::SigningKey& key);

/// Parses and checks the signature: it proves that the holder of the key revoked. Whether that
/// holder could is for devices_of() to say (records/devices.h). Throws Error kMalformed or
/// kBadSignature.
Revocation verify_revocation(const Envelope& envelope);

}  // namespace letterbox::records
