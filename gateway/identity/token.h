// Secrets that let something in: invitations and machine tokens. 256 random bits, as text.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::gateway {

/// A fresh token: 43 characters, base64url of 32 random bytes without padding (RFC 4648 section 5).
/// Throws Error kInternal if the kernel gives no randomness.
SecretBytes make_token();

/// The SHA-256 of a token's bytes, which is all that is kept of it. Nothing unless `token` is of
/// the form that make_token gives.
std::optional<Digest> token_digest(std::string_view token);

}  // namespace letterbox::gateway
