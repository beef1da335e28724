#include "gateway/directory/token.h"

#include <sys/random.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

namespace letterbox::gateway {

namespace {

constexpr std::size_t kTextSize = 43;

// base64url is base64 with two other characters.
void exchange(std::span<char> text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
}

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<Byte*>(text.data()), text.size()});
}

}  // namespace

Token Token::make() {
  Secret<32> bits;
  if (getrandom(bits.reveal().data(), bits.kSize, 0) != static_cast<ssize_t>(bits.kSize)) {
    throw Error(ErrorCode::kInternal, "getrandom gave too few bytes");
  }
  return Token(std::move(bits));
}

std::optional<Token> Token::parse(std::string_view text) {
  if (text.size() != kTextSize || text.find_first_of("+/") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string standard(text);
  exchange(standard, '-', '+');
  exchange(standard, '_', '/');
  std::optional<Bytes> decoded = crypto::base64_decode(standard, crypto::Padding::kNone);
  wipe_text(standard);
  if (!decoded) return std::nullopt;
  Secret<32> bits;
  std::copy(decoded->begin(), decoded->end(), bits.reveal().begin());
  wipe(*decoded);
  return Token(std::move(bits));
}

SecretBytes Token::text() const {
  std::string encoded = crypto::base64_encode(bits_.reveal(), crypto::Padding::kNone);
  exchange(encoded, '+', '-');
  exchange(encoded, '/', '_');
  SecretBytes text(as_bytes(encoded));
  wipe_text(encoded);
  return text;
}

Digest Token::sha256() const {
  return crypto::sha256(bits_.reveal());
}

}  // namespace letterbox::gateway
