// What the header's code asks about a stanza without having a key. Internal to crypto/.
#pragma once

#include <optional>

#include "crypto/recipient.h"

namespace letterbox::crypto {

/// The ephemeral share of an X25519 stanza, nothing for a stanza of another type. Throws Error
/// kMalformed unless argument count, share length and body length are right. Whether the share is
/// of low order is not looked at.
std::optional<X25519Recipient::Point> x25519_share(const Stanza& stanza);

bool is_scrypt(const Stanza& stanza) noexcept;

}  // namespace letterbox::crypto
