#include "dicom/photo/png.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "dicom/photo/exif.h"

namespace letterbox::dicom {

namespace {

constexpr std::array<Byte, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

constexpr std::uint32_t type_of(const char (&name)[5]) {
  std::uint32_t type = 0;
  for (int i = 0; i < 4; ++i) type = type << 8 | static_cast<Byte>(name[i]);
  return type;
}

constexpr std::uint32_t kHeader = type_of("IHDR");
constexpr std::uint32_t kPalette = type_of("PLTE");
constexpr std::uint32_t kData = type_of("IDAT");
constexpr std::uint32_t kEnd = type_of("IEND");
constexpr std::uint32_t kExif = type_of("eXIf");

// What shows the picture as it was meant to be shown. A chunk of another length isn't that chunk.
struct Kept {
  std::uint32_t type;
  std::uint32_t least;
  std::uint32_t most;
};
constexpr std::uint32_t kLongest = 0x7fffffff;  // section 5.3
constexpr std::array<Kept, 14> kKept = {{
    {kPalette, 3, 768},
    {kData, 0, kLongest},
    {kEnd, 0, 0},
    {type_of("tRNS"), 1, 256},
    {type_of("iCCP"), 3, kLongest},
    {type_of("sRGB"), 1, 1},
    {type_of("gAMA"), 4, 4},
    {type_of("cHRM"), 32, 32},
    {type_of("cICP"), 4, 4},
    {type_of("mDCV"), 24, 24},
    {type_of("cLLI"), 8, 8},
    {type_of("sBIT"), 1, 4},
    {type_of("bKGD"), 1, 6},
    {type_of("pHYs"), 9, 9},
}};

// EXIF is read as far as this; a JPEG's can't be longer either.
constexpr std::size_t kExifRead = std::size_t{64} * 1024;
// A text chunk's keyword has at most 79 characters.
constexpr std::size_t kKeywordRead = 80;

// Section 5.4: the fifth bit of the first letter.
bool is_critical(std::uint32_t type) {
  return (type >> 24 & 0x20) == 0;
}

bool is_letters(std::uint32_t type) {
  for (int shift = 0; shift < 32; shift += 8) {
    const std::uint32_t letter = (type >> shift & 0xff) | 0x20;
    if (letter < 'a' || letter > 'z') return false;
  }
  return true;
}

std::uint32_t number(ByteView bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

void append(Bytes& bytes, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<Byte>(number >> shift));
}

std::uint32_t crc(std::uint32_t so_far, ByteView bytes) {
  return static_cast<std::uint32_t>(crc32_z(so_far, bytes.data(), bytes.size()));
}

// Table 11.1.
bool fits_depth(int colour_type, int depth) {
  switch (colour_type) {
    case 0:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 3:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6:
      return depth == 8 || depth == 16;
    default:
      return false;
  }
}

// What a dropped chunk is called in Finding::dropped. `start` is the beginning of its content.
const char* name_of(std::uint32_t type, std::string_view start) {
  if (type == kExif) return "EXIF";
  if (type == type_of("tIME")) return "modification time";
  if (type == type_of("acTL") || type == type_of("fcTL") || type == type_of("fdAT"))
    return "animation";
  if (type == type_of("tEXt") || type == type_of("zTXt") || type == type_of("iTXt")) {
    const std::string_view keyword = start.substr(0, start.find('\0'));
    if (keyword == "XML:com.adobe.xmp" || keyword == "Raw profile type xmp") return "XMP";
    if (keyword == "Raw profile type exif" || keyword == "Raw profile type APP1") return "EXIF";
    if (keyword == "Raw profile type iptc") return "IPTC";
    return "comment";
  }
  return "application data";
}

}  // namespace

PngCleaner::PngCleaner(Source& photo) : PhotoWalker(MediaType::kPng, photo, "PNG") {
  buffer_.reserve(kExifRead);
}

PngCleaner::~PngCleaner() {
  buffer_.resize(buffer_.capacity());  // what was longer before is still there
  wipe(buffer_);
}

ByteView PngCleaner::step() {
  switch (at_) {
    case At::kStart:
      return begin();
    case At::kChunk:
      return chunk();
    case At::kContent:
      return content();
  }
  return {};
}

// Signature and header, which must come first.
ByteView PngCleaner::begin() {
  expect_bytes();
  buffer_.resize(kSignature.size() + 8 + 13);
  const std::span<Byte> signature = std::span(buffer_).first(kSignature.size());
  const std::span<Byte> header = std::span(buffer_).subspan(kSignature.size());
  reader_.read(signature);
  if (!std::equal(signature.begin(), signature.end(), kSignature.begin()))
    reader_.refuse("it doesn't begin as a PNG does; send it as what it is");
  reader_.read(header);
  if (number(header) != 13 || number(header.subspan(4)) != kHeader)
    reader_.refuse("its header isn't the first chunk");
  sum_ = crc(0, header.subspan(4));
  check_header(header.subspan(8));
  colour_type_ = header[8 + 9];
  last_type_ = kHeader;
  at_ = At::kContent;  // of which only the check sum is left
  return buffer_;
}

// Section 11.2.2.
void PngCleaner::check_header(ByteView content) const {
  const std::uint32_t width = number(content);
  const std::uint32_t height = number(content.subspan(4));
  if (width == 0 || width > kLongest || height == 0 || height > kLongest)
    reader_.refuse("a picture without width or height");
  if (!fits_depth(content[9], content[8])) reader_.refuse("a bit depth that isn't defined");
  if (content[10] != 0 || content[11] != 0 || content[12] > 1)
    reader_.refuse("a method that isn't defined");
}

// The beginning of the next chunk, or nothing if it isn't kept.
ByteView PngCleaner::chunk() {
  buffer_.resize(8);
  reader_.read(buffer_);
  left_ = number(buffer_);
  const std::uint32_t type = number(ByteView(buffer_).subspan(4));
  if (left_ > kLongest || !is_letters(type)) reader_.refuse("a chunk that isn't well-formed");
  sum_ = crc(0, ByteView(buffer_).subspan(4));

  const auto kept = std::find_if(kKept.begin(), kKept.end(),
                                 [type](const Kept& known) { return known.type == type; });
  if (kept == kKept.end()) {
    if (is_critical(type)) reader_.refuse("a critical chunk that isn't known, or a second header");
    return drop_chunk(type);
  }
  if (left_ < kept->least || left_ > kept->most) reader_.refuse("a chunk of a wrong length");
  check_order(type);
  at_ = At::kContent;
  return buffer_;
}

// Section 5.6, as far as it decides what the picture is.
void PngCleaner::check_order(std::uint32_t type) {
  const auto bit_of = [](std::uint32_t wanted) {
    const auto at = std::find_if(kKept.begin(), kKept.end(),
                                 [wanted](const Kept& known) { return known.type == wanted; });
    return 1U << (at - kKept.begin());
  };
  const bool data_before = (kept_ & bit_of(kData)) != 0;
  const bool palette_before = (kept_ & bit_of(kPalette)) != 0;
  if (type == kData) {
    if (data_before && last_type_ != kData) reader_.refuse("image data in two places");
    if (colour_type_ == 3 && !palette_before) reader_.refuse("image data before its palette");
  } else if ((kept_ & bit_of(type)) != 0) {
    reader_.refuse("a chunk that may be there once, twice");
  }
  if (type == kPalette && (data_before || left_ % 3 != 0 || colour_type_ == 0 || colour_type_ == 4))
    reader_.refuse("a palette that can't be there");
  if (type == kEnd && !data_before) reader_.refuse("no picture in it");
  kept_ |= bit_of(type);
  last_type_ = type;
}

// Content as it lies in the piece at hand, then the check sum. Nothing is copied or inflated.
ByteView PngCleaner::content() {
  if (left_ != 0) {
    ByteView there = reader_.ahead();
    if (there.empty()) reader_.refuse("it ends early");
    there = there.first(std::min<std::size_t>(there.size(), left_));
    sum_ = crc(sum_, there);
    left_ -= static_cast<std::uint32_t>(there.size());
    reader_.skip(there.size());
    return there;
  }
  check_sum();
  if (last_type_ == kEnd) end_picture();
  at_ = At::kChunk;
  return buffer_;
}

void PngCleaner::check_sum() {
  buffer_.resize(4);
  reader_.read(buffer_);
  if (number(buffer_) != sum_) reader_.refuse("a chunk whose check sum is wrong");
}

ByteView PngCleaner::drop_chunk(std::uint32_t type) {
  last_type_ = type;
  const bool first_exif = type == kExif && !orientation_;
  buffer_.resize(std::min<std::size_t>(left_, type == kExif ? kExifRead : kKeywordRead));
  reader_.read(buffer_);
  sum_ = crc(sum_, buffer_);
  left_ -= static_cast<std::uint32_t>(buffer_.size());
  const bool whole = left_ == 0;
  while (left_ != 0) content();

  Bytes rebuilt;
  if (first_exif) {
    const Exif exif = read_exif(buffer_);
    orientation_ = exif.orientation;
    if (exif.orientation != 1) rebuilt = orientation_tiff(exif.orientation);
    if (!(whole && buffer_ == rebuilt)) drop("EXIF");
    if (exif.thumbnail) drop("thumbnail");
    finding_.captured = exif.captured;
  } else {
    drop(name_of(type, as_text(buffer_)));
  }
  check_sum();
  if (rebuilt.empty()) return {};
  return put_exif(rebuilt);
}

// Without its orientation a photo lies on its side.
ByteView PngCleaner::put_exif(ByteView tiff) {
  buffer_.clear();
  append(buffer_, static_cast<std::uint32_t>(tiff.size()));
  append(buffer_, kExif);
  buffer_.insert(buffer_.end(), tiff.begin(), tiff.end());
  append(buffer_, crc(0, ByteView(buffer_).subspan(4)));
  return buffer_;
}

}  // namespace letterbox::dicom
