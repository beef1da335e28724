#include "gateway/identity/token.h"

#include <sys/random.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

namespace letterbox::gateway {

SecretBytes make_token() {
  Secret<32> bytes;
  if (getrandom(bytes.reveal().data(), bytes.kSize, 0) != static_cast<ssize_t>(bytes.kSize)) {
    throw Error(ErrorCode::kInternal, "getrandom gave too few bytes");
  }
  std::string text = crypto::base64_encode(bytes.reveal(), crypto::Padding::kNone);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  SecretBytes token(as_bytes(text));
  wipe({reinterpret_cast<Byte*>(text.data()), text.size()});
  return token;
}

std::optional<Digest> token_digest(std::string_view token) {
  if (token.find_first_of("+/") != std::string_view::npos) return std::nullopt;
  std::string text(token);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  const auto bytes = crypto::base64_decode(text, crypto::Padding::kNone);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  return crypto::sha256(*bytes);
}

}  // namespace letterbox::gateway
