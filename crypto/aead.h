// ChaCha20-Poly1305 (RFC 8439), many messages under one key.
//
// Internal to crypto/.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/openssl.h"

namespace letterbox::crypto {

using AeadNonce = std::array<Byte, 12>;
inline constexpr std::size_t kAeadTagSize = 16;

/// One key in one direction. Setting the key costs a few times what setting a nonce does, so this
/// lives as long as its stream. For one thread at a time.
class AeadSealer {
 public:
  explicit AeadSealer(const Secret<32>& key);
  /// Seals all of `message` but its last 16 bytes, in place, and writes the tag into those. The
  /// caller owns the freshness of `nonce`.
  void seal(const AeadNonce& nonce, std::span<Byte> message);

 private:
  openssl::CipherContext context_;
};

class AeadOpener {
 public:
  explicit AeadOpener(const Secret<32>& key);
  /// Opens all of `message` but its last 16 bytes, those being the tag, into `text`, which has room
  /// for that and lies apart from `message` or begins where it begins. False, and no plaintext in
  /// `text` (in place: the message as it was), if the tag differs or isn't whole.
  bool open(const AeadNonce& nonce, ByteView message, std::span<Byte> text);

 private:
  openssl::CipherContext context_;
};

}  // namespace letterbox::crypto
