// The kinds of file that are looked at, and how each is told from the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace letterbox::dicom {

enum class MediaType : std::uint8_t { kDicom, kJpeg, kPng };

/// "application/dicom", "image/jpeg" or "image/png".
std::string_view to_text(MediaType type) noexcept;
/// The one that to_text writes so (RFC 9110 section 8.3.1: compared without case, parameters
/// ignored). Anything else: nothing.
std::optional<MediaType> parse_media_type(std::string_view content_type);

/// What the first bytes say: DICOM PS3.10 section 7.1 (128 bytes of preamble, then "DICM"), JPEG's
/// SOI, PNG's signature. Nothing if none of them. 132 bytes are enough.
std::optional<MediaType> sniff(ByteView first_bytes);

}  // namespace letterbox::dicom
