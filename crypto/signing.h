// Ed25519 signatures (RFC 8032), the kind that records and requests carry.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::crypto {

using Signature = std::array<Byte, 64>;

/// The public half. A small value, copied freely.
class VerifyKey {
 public:
  explicit VerifyKey(const std::array<Byte, 32>& bytes) noexcept : bytes_(bytes) {}
  /// Padded base64 of 32 bytes, canonical. Anything else: nothing.
  static std::optional<VerifyKey> parse(std::string_view text);

  std::string text() const;
  const std::array<Byte, 32>& bytes() const noexcept { return bytes_; }
  /// Lowercase hex SHA-256 of the 32 bytes: what a DSSE `keyid` holds and people compare.
  std::string fingerprint() const;

  bool verify(ByteView message, const Signature& signature) const;
  auto operator<=>(const VerifyKey&) const = default;

 private:
  std::array<Byte, 32> bytes_;
};

/// The secret half.
class SigningKey {
 public:
  static SigningKey generate();
  /// From its 32-byte seed (RFC 8032 section 5.1.5).
  explicit SigningKey(Secret<32> seed);

  const VerifyKey& verify_key() const noexcept { return verify_key_; }
  const Secret<32>& seed() const noexcept { return seed_; }
  Signature sign(ByteView message) const;

 private:
  Secret<32> seed_;
  VerifyKey verify_key_;
};

}  // namespace letterbox::crypto
