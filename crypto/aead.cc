#include "crypto/aead.h"

#include <algorithm>

namespace letterbox::crypto {

namespace {

constexpr int kTag = static_cast<int>(kAeadTagSize);

openssl::CipherContext keyed_context(const Secret<32>& key, int sealing) {
  openssl::CipherContext context =
      openssl::require(openssl::CipherContext(EVP_CIPHER_CTX_new()), "ChaCha20-Poly1305");
  openssl::require(EVP_CipherInit_ex2(context.get(), EVP_chacha20_poly1305(), key.reveal().data(),
                                      nullptr, sealing, nullptr),
                   "ChaCha20-Poly1305 key");
  return context;
}

void set_nonce(EVP_CIPHER_CTX* context, const AeadNonce& nonce, int sealing) {
  openssl::require(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), sealing, nullptr),
                   "ChaCha20-Poly1305 nonce");
}

// A stream cipher gives out as much as it takes. In place is a documented use.
void run_cipher(EVP_CIPHER_CTX* context, ByteView in, std::span<Byte> out) {
  if (in.empty()) return;
  int written = 0;
  openssl::require(
      EVP_CipherUpdate(context, out.data(), &written, in.data(), static_cast<int>(in.size())),
      "ChaCha20-Poly1305");
}

}  // namespace

AeadSealer::AeadSealer(const Secret<32>& key) : context_(keyed_context(key, 1)) {}

void AeadSealer::seal(const AeadNonce& nonce, std::span<Byte> message) {
  const auto text = message.first(message.size() - kAeadTagSize);
  const auto tag = message.last(kAeadTagSize);
  set_nonce(context_.get(), nonce, 1);
  run_cipher(context_.get(), text, text);
  int written = 0;
  openssl::require(EVP_CipherFinal_ex(context_.get(), tag.data(), &written), "ChaCha20-Poly1305");
  openssl::require(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTag, tag.data()),
                   "ChaCha20-Poly1305 tag");
}

AeadOpener::AeadOpener(const Secret<32>& key) : context_(keyed_context(key, 0)) {}

bool AeadOpener::open(const AeadNonce& nonce, ByteView message, std::span<Byte> text) {
  if (message.size() < kAeadTagSize) return false;
  const ByteView sealed = message.first(message.size() - kAeadTagSize);
  text = text.first(sealed.size());
  std::array<Byte, kAeadTagSize> tag;
  std::copy_n(message.last(kAeadTagSize).begin(), tag.size(), tag.begin());
  set_nonce(context_.get(), nonce, 0);
  openssl::require(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()),
                   "ChaCha20-Poly1305 tag");
  run_cipher(context_.get(), sealed, text);
  int written = 0;
  if (EVP_CipherFinal_ex(context_.get(), tag.data(), &written) == 1) return true;
  openssl::forget_errors();
  // What lies there now is unauthenticated plaintext. ChaCha20 is its own inverse: the same
  // keystream once more, and it is ciphertext again.
  set_nonce(context_.get(), nonce, 0);
  run_cipher(context_.get(), text, text);
  return false;
}

}  // namespace letterbox::crypto
