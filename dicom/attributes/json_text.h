// Texts and numbers as JSON writes them (RFC 8259).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace letterbox::dicom {

/// Adds `text` to `json` as a string. What isn't UTF-8, and control characters that DICOM doesn't
/// have in texts (PS3.5 section 6.1.3 has TAB, LF, FF, CR), becomes U+FFFD; false if there was any.
bool append_string(std::string& json, std::string_view text);

/// A string of base64 (RFC 4648 section 4), as PS3.18 section F.2.7 has it.
std::string base64(ByteView bytes);

/// The number that a DS or IS writes (PS3.5 section 6.2), in JSON's grammar, with the digits that
/// it has. Nothing if it isn't one, or if no double holds it.
std::optional<std::string> decimal_number(std::string_view text);
std::optional<std::string> integer_number(std::string_view text);

}  // namespace letterbox::dicom
