// The STREAM construction's nonces. Internal to crypto/.
#pragma once

#include <cstdint>

#include "crypto/aead.h"
#include "crypto/recipient.h"
#include "crypto/stream.h"

namespace letterbox::crypto {

/// HKDF-SHA-256(ikm = file key, salt = nonce, info = "payload").
Secret<32> payload_key(const FileKey& file_key, const PayloadNonce& nonce);

/// The nonce of chunk `index`: its number in eleven bytes, big endian, then 1 for the last chunk
/// and 0 for others. Two chunks under one nonce would give both away, so the count doesn't wrap:
/// throws Error kTooLarge at 2^64 - 1, far beyond any payload and far below eleven bytes.
AeadNonce chunk_nonce(std::uint64_t index, bool is_final);

}  // namespace letterbox::crypto
