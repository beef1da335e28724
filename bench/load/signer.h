// Requests that a device signs (docs/format.md).
#pragma once

#include <string>

#include "bench/load/exchange.h"
#include "crypto/signing.h"

namespace letterbox::load {

class Signer {
 public:
  /// `seed_file` has the 32 bytes of an Ed25519 key's seed; the gateway calls itself `url`. Throws
  /// std::runtime_error.
  Signer(const std::string& seed_file, std::string url);

  /// The two header fields, and Content-Digest where there is a body. Throws std::runtime_error for
  /// one of zeros.
  std::string fields(const Request& request) const;

 private:
  const crypto::SigningKey key_;
  const std::string url_;
};

}  // namespace letterbox::load
