#include "crypto/x25519.h"

#include <openssl/crypto.h>

#include "crypto/openssl.h"

namespace letterbox::crypto {

namespace {

openssl::Key private_key(const Secret<32>& scalar) {
  return openssl::require(openssl::Key(EVP_PKEY_new_raw_private_key(
                              EVP_PKEY_X25519, nullptr, scalar.reveal().data(), Secret<32>::kSize)),
                          "X25519 scalar");
}

}  // namespace

CurvePoint x25519_base(const Secret<32>& scalar) {
  const openssl::Key key = private_key(scalar);
  CurvePoint point;
  std::size_t length = point.size();
  openssl::require(EVP_PKEY_get_raw_public_key(key.get(), point.data(), &length), "X25519");
  return point;
}

std::optional<Secret<32>> x25519(const Secret<32>& scalar, const CurvePoint& point) {
  const openssl::Key own = private_key(scalar);
  const openssl::Key peer =
      openssl::require(openssl::Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr,
                                                                point.data(), point.size())),
                       "X25519 point");
  const openssl::KeyContext context =
      openssl::require(openssl::KeyContext(EVP_PKEY_CTX_new(own.get(), nullptr)), "X25519");
  openssl::require(EVP_PKEY_derive_init(context.get()), "X25519");
  openssl::require(EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0), "X25519");
  Secret<32> shared;
  std::size_t length = Secret<32>::kSize;
  // OpenSSL fails on an all-zero result, and has no other reason to fail here. The comparison
  // keeps the promise should a version stop doing so.
  if (EVP_PKEY_derive(context.get(), shared.reveal().data(), &length) != 1) {
    openssl::forget_errors();
    return std::nullopt;
  }
  static constexpr std::array<Byte, 32> kZero{};
  if (CRYPTO_memcmp(shared.reveal().data(), kZero.data(), kZero.size()) == 0) return std::nullopt;
  return shared;
}

bool is_low_order(const CurvePoint& point) {
  // Clamping makes every scalar a multiple of the cofactor, so any of them sends exactly the points
  // of low order to zero.
  return !x25519(Secret<32>(), point);
}

}  // namespace letterbox::crypto
