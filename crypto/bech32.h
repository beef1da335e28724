// Bech32 (BIP 173) as age uses it: no limit on length, and only one text for one value.
//
// Internal to crypto/. Keys come through here, so what it returns wipes itself.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::crypto {

/// The Bech32 text of `data` under the human-readable part `prefix`. It is uppercase if `prefix`
/// is, and lowercase otherwise.
SecretBytes bech32_encode(std::string_view prefix, ByteView data);

/// The data of `text`, if it is exactly what bech32_encode(prefix, data) writes: this prefix in
/// this case, no mixed case, the checksum right, the padding bits zero.
std::optional<SecretBytes> bech32_decode(std::string_view text, std::string_view prefix);

}  // namespace letterbox::crypto
