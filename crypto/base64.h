// Base 64, RFC 4648 section 4, strict both ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace letterbox::crypto {

/// `kNone` is age's form ("raw"), `kRequired` is that of DSSE and JSON fields.
enum class Padding { kNone, kRequired };

std::string base64_encode(ByteView bytes, Padding padding);

/// Nothing unless `text` is exactly what base64_encode would write: no line ends, no other padding,
/// no other alphabet, and the unused bits of the last character zero (RFC 4648 section 3.5).
std::optional<Bytes> base64_decode(std::string_view text, Padding padding);

}  // namespace letterbox::crypto
