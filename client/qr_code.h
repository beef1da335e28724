#pragma once

#include <string>
#include <string_view>

namespace letterbox::client {

/// `text` as a QR code (ISO/IEC 18004, error correction level L) for a terminal in UTF-8: black on
/// white whatever its colours are, two rows of modules a line, four modules of white around it.
/// Lines end in "\n".
///
/// Upper case, digits and "-" take less room than other letters. The answer is made in one piece,
/// and what the library gave is wiped, so of a secret's code there is the answer to wipe and no
/// more, but for the library's work memory.
///
/// Throws Error kTooLarge for a text that no code holds (more than 2,953 bytes), kInternal.
std::string qr_code(std::string_view text);

}  // namespace letterbox::client
