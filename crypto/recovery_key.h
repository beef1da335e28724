// The recovery key: 32 random bytes from which a whole device follows, to be kept on paper.
//
// docs/format.md, "The recovery key". Age identity and signing seed are each
// HKDF-SHA-256(ikm = the 32 bytes, no salt, info = "letterbox/v1/recovery/age" or
// "letterbox/v1/recovery/signing").
#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"

namespace letterbox::crypto {

class RecoveryKey {
 public:
  static RecoveryKey generate();
  explicit RecoveryKey(Secret<32> secret) noexcept : secret_(std::move(secret)) {}

  /// What every text form begins with.
  static constexpr std::string_view kPrefix = "LETTERBOX-RECOVERY-";

  /// Bech32 (BIP 173) with kPrefix, upper case, canonical: its checksum finds up to four wrong
  /// characters for certain, and more with all but a chance of one in a thousand million. Anything
  /// else: nothing.
  static std::optional<RecoveryKey> parse(std::string_view text);
  /// The text form, 78 characters, in memory that wipes itself. No line end.
  SecretBytes text() const;

  /// The device's keys. The same each time.
  X25519Identity identity() const;
  SigningKey signing_key() const;

 private:
  Secret<32> secret_;
};

}  // namespace letterbox::crypto
