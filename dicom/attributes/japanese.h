// Japanese texts, which PS3.5 annex H writes in up to four character sets with escape sequences.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace letterbox::dicom {

/// The same text in EUC-JP, which has all four sets and no escape sequences: ISO IR 6 and 14 (G0,
/// one byte), 87 and 159 (G0, two bytes), 13 (G1). DCMTK 3.6.7 looks for each of the sets in the
/// C library, and glibc has two of them only within encodings such as this. Nothing if the text
/// isn't of these sets.
std::optional<std::string> to_euc_jp(std::string_view text);

}  // namespace letterbox::dicom
