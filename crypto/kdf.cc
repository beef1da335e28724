#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <utility>
#include <vector>

#include "crypto/openssl.h"

namespace letterbox::crypto {

namespace {

// OpenSSL's parameter arrays want pointers to non-const; a KDF only reads them.
OSSL_PARAM octets(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<Byte*>(bytes.data()), bytes.size());
}

Secret<32> derive(const char* name, std::vector<OSSL_PARAM> parameters) {
  const openssl::Kdf kdf =
      openssl::require(openssl::Kdf(EVP_KDF_fetch(nullptr, name, nullptr)), name);
  const openssl::KdfContext context =
      openssl::require(openssl::KdfContext(EVP_KDF_CTX_new(kdf.get())), name);
  parameters.push_back(OSSL_PARAM_construct_end());
  Secret<32> key;
  openssl::require(
      EVP_KDF_derive(context.get(), key.reveal().data(), key.reveal().size(), parameters.data()),
      name);
  return key;
}

}  // namespace

Secret<32> hkdf_sha256(ByteView ikm, ByteView salt, std::string_view info) {
  char digest[] = "SHA256";
  std::vector<OSSL_PARAM> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      octets(OSSL_KDF_PARAM_KEY, ikm), octets(OSSL_KDF_PARAM_INFO, as_bytes(info))};
  // OpenSSL refuses an empty salt. One left out is 32 zeros, which as an HMAC key is the same as
  // none (RFC 5869 section 2.2).
  if (!salt.empty()) parameters.push_back(octets(OSSL_KDF_PARAM_SALT, salt));
  return derive("HKDF", std::move(parameters));
}

std::array<Byte, 32> hmac_sha256(const Secret<32>& key, ByteView message) {
  std::array<Byte, 32> mac;
  std::size_t length = 0;
  const void* done = EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.reveal().data(),
                               key.reveal().size(), message.data(), message.size(), mac.data(),
                               mac.size(), &length);
  if (done == nullptr || length != mac.size()) openssl::raise("HMAC");
  return mac;
}

Secret<32> scrypt(const SecretBytes& passphrase, ByteView salt, unsigned work_factor) {
  std::uint64_t n = std::uint64_t{1} << work_factor;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
  // OpenSSL's own ceiling is 32 MiB, below every work factor in use: N blocks of 128 r bytes, and
  // a few more.
  std::uint64_t memory = 128 * std::uint64_t{r} * (n + p + 8);
  return derive("SCRYPT", {octets(OSSL_KDF_PARAM_PASSWORD, passphrase.reveal()),
                           octets(OSSL_KDF_PARAM_SALT, salt),
                           OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
                           OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                           OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                           OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory)});
}

}  // namespace letterbox::crypto
