// The secret of an invitation, or of a machine that can't show a certificate: 256 random bits.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::gateway {

class Token {
 public:
  /// A fresh one. Throws Error kInternal if there is no randomness.
  static Token make();
  /// From what text() gives, and nothing else.
  static std::optional<Token> parse(std::string_view text);

  /// 43 characters of base64url, without padding (RFC 4648 section 5).
  SecretBytes text() const;
  /// Of the 32 bytes: what storage knows it by, and its public id.
  Digest sha256() const;

 private:
  explicit Token(Secret<32> bits) : bits_(std::move(bits)) {}

  Secret<32> bits_;
};

}  // namespace letterbox::gateway
