// What keys are derived with: HKDF-SHA-256 (RFC 5869), HMAC-SHA-256 (RFC 2104), scrypt (RFC 7914).
//
// Internal to crypto/, but for hmac_sha256.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::crypto {

/// HKDF-Extract with `salt`, HKDF-Expand with `info`, 32 bytes.
Secret<32> hkdf_sha256(ByteView ikm, ByteView salt, std::string_view info);

std::array<Byte, 32> hmac_sha256(const Secret<32>& key, ByteView message);

/// scrypt with r = 8, p = 1 and N = 2^work_factor: 2^work_factor KiB of memory while it runs.
Secret<32> scrypt(const SecretBytes& passphrase, ByteView salt, unsigned work_factor);

}  // namespace letterbox::crypto
