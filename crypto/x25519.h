// X25519 (RFC 7748 section 5). Internal to crypto/.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/openssl.h"

namespace letterbox::crypto {

using CurvePoint = std::array<Byte, 32>;

/// A scalar. Its multiplications are all that takes time: one for the point, one to agree. Clamping
/// is part of the function. For one thread at a time.
class X25519Key {
 public:
  explicit X25519Key(const Secret<32>& scalar);

  /// X25519(scalar, basepoint).
  CurvePoint point() const;

  /// X25519(scalar, `peer`); nothing if that is all zero, which only a point of low order gives:
  /// then the "shared secret" would be known to everybody.
  std::optional<Secret<32>> agree(const CurvePoint& peer) const;

 private:
  std::optional<Secret<32>> times(EVP_PKEY* point) const;

  openssl::KeyContext agreement_;
};

/// Whether `point` is of low order: no secret can be shared with it.
bool is_low_order(const CurvePoint& point);

}  // namespace letterbox::crypto
