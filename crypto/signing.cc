#include "crypto/signing.h"

#include <algorithm>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace letterbox::crypto {

namespace {

openssl::Key private_key(const Secret<32>& seed) {
  return openssl::require(openssl::Key(EVP_PKEY_new_raw_private_key(
                              EVP_PKEY_ED25519, nullptr, seed.reveal().data(), Secret<32>::kSize)),
                          "Ed25519 seed");
}

openssl::DigestContext new_context() {
  return openssl::require(openssl::DigestContext(EVP_MD_CTX_new()), "Ed25519");
}

VerifyKey public_half(const Secret<32>& seed) {
  const openssl::Key key = private_key(seed);
  std::array<Byte, 32> bytes;
  std::size_t length = bytes.size();
  openssl::require(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &length), "Ed25519");
  return VerifyKey(bytes);
}

}  // namespace

std::optional<VerifyKey> VerifyKey::parse(std::string_view text) {
  const auto decoded = base64_decode(text, Padding::kRequired);
  std::array<Byte, 32> bytes;
  if (!decoded || decoded->size() != bytes.size()) return std::nullopt;
  std::copy(decoded->begin(), decoded->end(), bytes.begin());
  return VerifyKey(bytes);
}

std::string VerifyKey::text() const {
  return base64_encode(bytes_, Padding::kRequired);
}

std::string VerifyKey::fingerprint() const {
  return to_hex(sha256(bytes_));
}

bool VerifyKey::verify(ByteView message, const Signature& signature) const {
  const openssl::Key key =
      openssl::require(openssl::Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                                bytes_.data(), bytes_.size())),
                       "Ed25519 key");
  const openssl::DigestContext context = new_context();
  openssl::require(EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                           key.get(), nullptr),
                   "Ed25519");
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) == 1) {
    return true;
  }
  openssl::forget_errors();
  return false;
}

SigningKey SigningKey::generate() {
  Secret<32> seed;
  fill_random(seed.reveal());
  return SigningKey(std::move(seed));
}

SigningKey::SigningKey(Secret<32> seed) : seed_(std::move(seed)), verify_key_(public_half(seed_)) {}

Signature SigningKey::sign(ByteView message) const {
  const openssl::Key key = private_key(seed_);
  const openssl::DigestContext context = new_context();
  openssl::require(
      EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(), nullptr),
      "Ed25519");
  Signature signature;
  std::size_t length = signature.size();
  openssl::require(
      EVP_DigestSign(context.get(), signature.data(), &length, message.data(), message.size()),
      "Ed25519");
  return signature;
}

}  // namespace letterbox::crypto
