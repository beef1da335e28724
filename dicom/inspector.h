// Looks at an upload and says what it is, as it passes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace letterbox::dicom {

enum class MediaType : std::uint8_t { kDicom, kJpeg, kPng };

/// "application/dicom", "image/jpeg" or "image/png" (RFC 9110 section 8.3.1: compared without case,
/// parameters ignored). Anything else: nothing.
std::optional<MediaType> parse_media_type(std::string_view content_type);

/// What the first bytes say: DICOM PS3.10 section 7.1 (128 bytes of preamble, then "DICM"), JPEG's
/// SOI, PNG's signature. Nothing if none of them. 132 bytes are enough.
std::optional<MediaType> sniff(ByteView first_bytes);

class Inspector {
 public:
  virtual ~Inspector() = default;

  /// Yields those bytes of `body` that are to be kept. Its next() throws Error kEmptyBody, or
  /// kNotWhatItClaims as soon as the body shows that it isn't `claimed`: what was yielded before is
  /// then worth nothing. Thread-safe; the Source isn't, and `body` must outlive it.
  virtual std::unique_ptr<Source> admit(MediaType claimed, Source& body) = 0;
};

/// A light check: the body begins as the claimed type does. It keeps every byte and looks no
/// deeper.
std::unique_ptr<Inspector> make_signature_inspector();

}  // namespace letterbox::dicom
