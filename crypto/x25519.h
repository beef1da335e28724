// X25519 (RFC 7748 section 5). Internal to crypto/.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::crypto {

using CurvePoint = std::array<Byte, 32>;

/// X25519(scalar, basepoint). Clamping is part of the function.
CurvePoint x25519_base(const Secret<32>& scalar);

/// X25519(scalar, point); nothing if that is all zero, which only a point of low order gives: then
/// the "shared secret" would be known to everybody.
std::optional<Secret<32>> x25519(const Secret<32>& scalar, const CurvePoint& point);

/// Whether `point` is of low order: no secret can be shared with it.
bool is_low_order(const CurvePoint& point);

}  // namespace letterbox::crypto
