#include "crypto/x25519.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>

namespace letterbox::crypto {

namespace {

// 0, 1, the two of order 8 and -1, then 0 and 1 as encoded from 2^255 - 19 up: there are no others
// (https://cr.yp.to/ecdh.html#validate). To try one costs as much as a key agreement, and every
// recipient that is read is asked about.
constexpr std::array<CurvePoint, 7> kLowOrder = {{
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
     0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
     0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
}};

openssl::Key key_of(const CurvePoint& point) {
  return openssl::require(openssl::Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr,
                                                                   point.data(), point.size())),
                          "X25519 point");
}

// RFC 7748 section 4.1.
constexpr CurvePoint kBase{9};

// A key made of its scalar alone would have its point computed at once, wanted or not, and by a way
// that is slower than the agreement with the base point, which is the same. So it is given a point,
// any: an agreement doesn't look at its own.
openssl::Key key_of(const Secret<32>& scalar) {
  const openssl::KeyContext context = openssl::require(
      openssl::KeyContext(EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, nullptr)), "X25519");
  CurvePoint any = kBase;
  // OpenSSL's parameters want pointers to non-const; it only reads them.
  std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, any.data(), any.size()),
      OSSL_PARAM_construct_octet_string(
          OSSL_PKEY_PARAM_PRIV_KEY, const_cast<Byte*>(scalar.reveal().data()), Secret<32>::kSize),
      OSSL_PARAM_construct_end()};
  openssl::require(EVP_PKEY_fromdata_init(context.get()), "X25519");
  EVP_PKEY* key = nullptr;
  openssl::require(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.data()),
                   "X25519 scalar");
  return openssl::Key(key);
}

}  // namespace

// The context keeps the key.
X25519Key::X25519Key(const Secret<32>& scalar)
    : agreement_(openssl::require(
          openssl::KeyContext(EVP_PKEY_CTX_new(key_of(scalar).get(), nullptr)), "X25519")) {
  openssl::require(EVP_PKEY_derive_init(agreement_.get()), "X25519");
}

CurvePoint X25519Key::point() const {
  static const openssl::Key base = key_of(kBase);
  const auto product = times(base.get());
  if (!product) openssl::raise("X25519");  // no scalar, clamped, takes the base point to zero
  CurvePoint point;
  std::copy(product->reveal().begin(), product->reveal().end(), point.begin());
  return point;
}

std::optional<Secret<32>> X25519Key::agree(const CurvePoint& peer) const {
  return times(key_of(peer).get());
}

std::optional<Secret<32>> X25519Key::times(EVP_PKEY* point) const {
  openssl::require(EVP_PKEY_derive_set_peer_ex(agreement_.get(), point, 0), "X25519");
  Secret<32> product;
  std::size_t length = Secret<32>::kSize;
  // OpenSSL fails on an all-zero result, and has no other reason to fail here. The comparison
  // keeps the promise should a version stop doing so.
  if (EVP_PKEY_derive(agreement_.get(), product.reveal().data(), &length) != 1) {
    openssl::forget_errors();
    return std::nullopt;
  }
  static constexpr std::array<Byte, 32> kZero{};
  if (CRYPTO_memcmp(product.reveal().data(), kZero.data(), kZero.size()) == 0) return std::nullopt;
  return product;
}

bool is_low_order(const CurvePoint& point) {
  CurvePoint value = point;
  value.back() &= 0x7f;  // X25519 ignores the top bit
  return std::find(kLowOrder.begin(), kLowOrder.end(), value) != kLowOrder.end();
}

}  // namespace letterbox::crypto
