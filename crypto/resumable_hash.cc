#include "crypto/resumable_hash.h"

// EVP hides its state, so this is OpenSSL's older interface, deprecated since 3.0 and still there
// (docs/adr/0060-…). It is used in this file alone.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>

#include "base/error.h"
#include "crypto/openssl.h"

namespace letterbox::crypto {

namespace {

// The state as bytes: how many bytes were fed (8, big-endian), the chaining value (8 words of 4,
// big-endian), and the bytes since the last whole block (0 to 63).
constexpr std::size_t kCount = 8;
constexpr std::size_t kChain = 8 * 4;

void put(Bytes& out, std::uint64_t number, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<Byte>((number >> shift) & 0xff));
  }
}

std::uint64_t number_in(ByteView bytes) {
  std::uint64_t number = 0;
  for (const Byte byte : bytes) number = (number << 8) | byte;
  return number;
}

}  // namespace

struct ResumableSha256::Context {
  SHA256_CTX sha;
};

ResumableSha256::ResumableSha256() : context_(std::make_unique<Context>()) {
  openssl::require(SHA256_Init(&context_->sha), "SHA-256");
}

ResumableSha256::ResumableSha256(ByteView state) : ResumableSha256() {
  const auto refuse = [] {
    throw Error(ErrorCode::kIntegrity, "these bytes are no SHA-256 state");
  };
  if (state.size() < kCount + kChain) refuse();
  const std::uint64_t count = number_in(state.first(kCount));
  const ByteView rest = state.subspan(kCount + kChain);
  // FIPS 180-4 section 5.1.1: a message has less than 2^64 bits.
  if (count >> 61 != 0 || rest.size() != count % SHA256_CBLOCK) refuse();
  SHA256_CTX& sha = context_->sha;
  for (std::size_t i = 0; i < 8; ++i) {
    sha.h[i] = static_cast<SHA_LONG>(number_in(state.subspan(kCount + 4 * i, 4)));
  }
  // What was fed so far, in bits, but for the rest, which is fed anew.
  const std::uint64_t bits = (count - rest.size()) * 8;
  sha.Nl = static_cast<SHA_LONG>(bits & 0xffffffff);
  sha.Nh = static_cast<SHA_LONG>(bits >> 32);
  update(rest);
}

ResumableSha256::~ResumableSha256() = default;
ResumableSha256::ResumableSha256(ResumableSha256&&) noexcept = default;
ResumableSha256& ResumableSha256::operator=(ResumableSha256&&) noexcept = default;

void ResumableSha256::update(ByteView bytes) {
  openssl::require(SHA256_Update(&context_->sha, bytes.data(), bytes.size()), "SHA-256");
}

Bytes ResumableSha256::state() const {
  const SHA256_CTX& sha = context_->sha;
  Bytes state;
  put(state, ((std::uint64_t{sha.Nh} << 32) | sha.Nl) / 8, kCount);
  for (const SHA_LONG word : sha.h) put(state, word, 4);
  const auto* const rest = reinterpret_cast<const Byte*>(sha.data);
  state.insert(state.end(), rest, rest + sha.num);
  return state;
}

Digest ResumableSha256::digest() const {
  SHA256_CTX copy = context_->sha;
  Digest digest;
  openssl::require(SHA256_Final(digest.data(), &copy), "SHA-256");
  return digest;
}

}  // namespace letterbox::crypto
