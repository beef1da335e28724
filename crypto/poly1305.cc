#include "crypto/poly1305.h"

#include "crypto/openssl.h"

namespace letterbox::crypto {

struct Poly1305::Context {
  openssl::Mac mac =
      openssl::require(openssl::Mac(EVP_MAC_fetch(nullptr, "POLY1305", nullptr)), "Poly1305");
  openssl::MacContext context =
      openssl::require(openssl::MacContext(EVP_MAC_CTX_new(mac.get())), "Poly1305");
};

Poly1305::Poly1305(const Secret<32>& key) : context_(std::make_unique<Context>()) {
  openssl::require(
      EVP_MAC_init(context_->context.get(), key.reveal().data(), Secret<32>::kSize, nullptr),
      "Poly1305 key");
}
Poly1305::~Poly1305() = default;

void Poly1305::update(ByteView bytes) {
  openssl::require(EVP_MAC_update(context_->context.get(), bytes.data(), bytes.size()), "Poly1305");
}

Poly1305::Value Poly1305::finish() {
  Value value;
  std::size_t length = 0;
  openssl::require(EVP_MAC_final(context_->context.get(), value.data(), &length, value.size()),
                   "Poly1305");
  return value;
}

}  // namespace letterbox::crypto
