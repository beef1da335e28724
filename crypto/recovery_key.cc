#include "crypto/recovery_key.h"

#include <algorithm>
#include <utility>

#include "crypto/bech32.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

namespace letterbox::crypto {

RecoveryKey RecoveryKey::generate() {
  Secret<32> secret;
  fill_random(secret.reveal());
  return RecoveryKey(std::move(secret));
}

std::optional<RecoveryKey> RecoveryKey::parse(std::string_view text) {
  const auto bytes = bech32_decode(text, kPrefix);
  Secret<32> secret;
  if (!bytes || bytes->size() != secret.kSize) return std::nullopt;
  std::ranges::copy(bytes->reveal(), secret.reveal().begin());
  return RecoveryKey(std::move(secret));
}

SecretBytes RecoveryKey::text() const {
  return bech32_encode(kPrefix, secret_.reveal());
}

X25519Identity RecoveryKey::identity() const {
  return X25519Identity(hkdf_sha256(secret_.reveal(), {}, "letterbox/v1/recovery/age"));
}

SigningKey RecoveryKey::signing_key() const {
  return SigningKey(hkdf_sha256(secret_.reveal(), {}, "letterbox/v1/recovery/signing"));
}

}  // namespace letterbox::crypto
