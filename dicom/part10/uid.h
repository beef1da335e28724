// UIDs (PS3.5 section 9.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace letterbox::dicom {

inline constexpr std::size_t kMaxUid = 64;

/// The UID in the value of an element, without its padding: digits and dots, no component empty, at
/// most kMaxUid. More tolerant than the standard in two ways that occur and do no harm: the padding
/// may be a NUL or a space, and components may have leading zeros. Nothing for anything else.
std::optional<std::string> parse_uid(std::string_view value);

}  // namespace letterbox::dicom
