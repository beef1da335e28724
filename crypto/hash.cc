#include "crypto/hash.h"

#include "crypto/openssl.h"

namespace letterbox::crypto {

struct Sha256::Context {
  openssl::DigestContext digest =
      openssl::require(openssl::DigestContext(EVP_MD_CTX_new()), "SHA-256");
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  openssl::require(EVP_DigestInit_ex2(context_->digest.get(), EVP_sha256(), nullptr), "SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
  openssl::require(EVP_DigestUpdate(context_->digest.get(), bytes.data(), bytes.size()), "SHA-256");
}

Digest Sha256::finish() {
  Digest digest;
  openssl::require(EVP_DigestFinal_ex(context_->digest.get(), digest.data(), nullptr), "SHA-256");
  return digest;
}

Digest sha256(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace letterbox::crypto
