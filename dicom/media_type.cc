#include "dicom/media_type.h"

#include <algorithm>
#include <array>

namespace letterbox::dicom {

namespace {

// PS3.10 section 7.1: a preamble of 128 bytes that may hold anything, then "DICM".
constexpr std::size_t kPreambleSize = 128;
constexpr std::string_view kDicomPrefix = "DICM";
constexpr std::size_t kSignatureSize = kPreambleSize + kDicomPrefix.size();

// ITU-T T.81 section B.1.1.3: SOI, and a further marker must follow it.
constexpr std::array<Byte, 3> kJpegStart = {0xff, 0xd8, 0xff};
// ISO/IEC 15948 section 5.2.
constexpr std::array<Byte, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

bool begins_with(ByteView bytes, ByteView start) {
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trim_optional_white_space(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string_view to_text(MediaType type) noexcept {
  switch (type) {
    case MediaType::kDicom:
      return "application/dicom";
    case MediaType::kJpeg:
      return "image/jpeg";
    case MediaType::kPng:
      return "image/png";
  }
  return "";
}

std::optional<MediaType> parse_media_type(std::string_view content_type) {
  const std::string_view name = trim_optional_white_space(
      content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
  const auto is = [name](std::string_view known) {
    return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                      [](char a, char b) { return to_lower(a) == b; });
  };
  if (is("application/dicom")) return MediaType::kDicom;
  if (is("image/jpeg")) return MediaType::kJpeg;
  if (is("image/png")) return MediaType::kPng;
  return std::nullopt;
}

std::optional<MediaType> sniff(ByteView first_bytes) {
  // DICOM first: its preamble belongs to whoever wrote it, and may well begin like a picture.
  if (first_bytes.size() >= kSignatureSize &&
      begins_with(first_bytes.subspan(kPreambleSize), as_bytes(kDicomPrefix))) {
    return MediaType::kDicom;
  }
  if (begins_with(first_bytes, kJpegStart)) return MediaType::kJpeg;
  if (begins_with(first_bytes, kPngSignature)) return MediaType::kPng;
  return std::nullopt;
}

}  // namespace letterbox::dicom
