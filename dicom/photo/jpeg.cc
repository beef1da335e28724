#include "dicom/photo/jpeg.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "dicom/photo/exif.h"

namespace letterbox::dicom {

namespace {

using namespace std::string_view_literals;

// T.81 table B.1.
constexpr Byte kHuffmanTables = 0xc4;
constexpr Byte kReservedFrame = 0xc8;
constexpr Byte kArithmeticConditioning = 0xcc;
constexpr Byte kFirstRestart = 0xd0;
constexpr Byte kLastRestart = 0xd7;
constexpr Byte kStartOfImage = 0xd8;
constexpr Byte kEndOfImage = 0xd9;
constexpr Byte kStartOfScan = 0xda;
constexpr Byte kQuantizationTables = 0xdb;
constexpr Byte kRestartInterval = 0xdd;
constexpr Byte kFirstApplication = 0xe0;
constexpr Byte kLastApplication = 0xef;
constexpr Byte kComment = 0xfe;

constexpr std::array<Byte, 2> kStart = {0xff, kStartOfImage};
constexpr std::array<Byte, 2> kEnd = {0xff, kEndOfImage};

// How the names in `dropped` read; docs/photos.md lists them.
constexpr const char* kApplicationData = "application data";
constexpr const char* kGainMap = "gain map";
constexpr const char* kThumbnail = "thumbnail";

bool is_frame(Byte marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != kHuffmanTables && marker != kReservedFrame &&
         marker != kArithmeticConditioning;
}

// SOF5 to SOF7 and SOF13 to SOF15 begin one frame of several.
bool is_hierarchical(Byte marker) {
  return is_frame(marker) && (marker & 7) >= 5;
}
bool is_lossless(Byte marker) {
  return (marker & 7) == 3;
}
bool is_progressive(Byte marker) {
  return (marker & 7) == 2;
}
bool is_arithmetic(Byte marker) {
  return (marker & 8) != 0;
}

bool fits_precision(Byte marker, int precision) {
  if (is_lossless(marker)) return precision >= 2 && precision <= 16;
  return precision == 8 || (precision == 12 && marker != 0xc0);
}

// What stands within coded data behind a 0xff: a stuffed zero, or a restart marker.
bool is_coded(Byte after_ff) {
  return after_ff == 0 || (after_ff >= kFirstRestart && after_ff <= kLastRestart);
}

int two_bytes(ByteView bytes, std::size_t at) {
  return bytes[at] << 8 | bytes[at + 1];
}

}  // namespace

JpegCleaner::JpegCleaner(Source& photo) : PhotoWalker(MediaType::kJpeg, photo, "JPEG") {}

JpegCleaner::~JpegCleaner() {
  wipe(segment_);
}

ByteView JpegCleaner::step() {
  switch (at_) {
    case At::kStart:
      return begin();
    case At::kSegments:
      return segment();
    case At::kScan:
      return scan_data();
  }
  return {};
}

ByteView JpegCleaner::begin() {
  expect_bytes();
  if (reader_.byte() != 0xff || reader_.byte() != kStartOfImage)
    reader_.refuse("it doesn't begin as a JPEG does; send it as what it is");
  at_ = At::kSegments;
  return kStart;
}

// One marker segment, or nothing of it if it isn't kept.
ByteView JpegCleaner::segment() {
  const Byte marker = this->marker();
  if (marker == kEndOfImage) {
    check_end();
    end_picture();
    return kEnd;
  }
  const bool application = marker >= kFirstApplication && marker <= kLastApplication;
  const bool known = application || is_frame(marker) || marker == kComment ||
                     marker == kHuffmanTables || marker == kQuantizationTables ||
                     marker == kArithmeticConditioning || marker == kRestartInterval ||
                     marker == kStartOfScan;
  // Refused before its length is believed: standalone markers have none.
  if (!known) reader_.refuse("a marker that can't stand here");
  read_segment(marker);

  bool kept = true;
  if (application) {
    kept = keep_application_data(marker);
  } else if (marker == kComment) {
    drop("comment");
    kept = false;
  } else if (marker == kQuantizationTables) {
    check_quantization_tables();
  } else if (marker == kHuffmanTables) {
    check_huffman_tables();
  } else if (marker == kRestartInterval) {
    if (content().size() != 2) reader_.refuse("a restart interval of a wrong length");
  } else if (marker == kStartOfScan) {
    check_scan();
    at_ = At::kScan;
  } else if (marker != kArithmeticConditioning) {
    check_frame(marker);
  }
  return kept ? ByteView(segment_).first(segment_size_) : ByteView();
}

// Any number of 0xff may stand before a marker (T.81 section B.1.1.2).
Byte JpegCleaner::marker() {
  if (!std::exchange(open_ff_, false) && reader_.byte() != 0xff)
    reader_.refuse("no marker where one must be");
  Byte marker = reader_.byte();
  while (marker == 0xff) marker = reader_.byte();
  return marker;
}

void JpegCleaner::read_segment(Byte marker) {
  segment_[0] = 0xff;
  segment_[1] = marker;
  reader_.read(std::span(segment_).subspan(2, 2));
  const auto length = static_cast<std::size_t>(two_bytes(segment_, 2));
  if (length < 2) reader_.refuse("a segment shorter than its length field");
  reader_.read(std::span(segment_).subspan(4, length - 2));
  segment_size_ = 2 + length;
}

ByteView JpegCleaner::content() const noexcept {
  return ByteView(segment_).first(segment_size_).subspan(kContent);
}

bool JpegCleaner::begins_with(std::string_view name) const noexcept {
  return as_text(content()).starts_with(name);
}

bool JpegCleaner::keep_application_data(Byte marker) {
  switch (marker - kFirstApplication) {
    case 0:
      if (begins_with("JFIF\0"sv)) return keep_jfif();
      drop(begins_with("JFXX\0"sv) ? kThumbnail : kApplicationData);
      return false;
    case 1:
      if (begins_with("Exif\0"sv)) return keep_orientation();
      if (begins_with("http://ns.adobe.com/"sv)) {
        drop("XMP");
        if (as_text(content()).find("hdr-gain-map") != std::string_view::npos) drop(kGainMap);
        return false;
      }
      break;
    case 2:
      if (begins_with("ICC_PROFILE\0"sv)) return true;
      if (begins_with("MPF\0"sv)) {
        drop("MPF");
        return false;
      }
      if (begins_with("urn:iso:std:iso:ts:21496"sv)) {
        drop(kGainMap);
        return false;
      }
      break;
    case 13:
      if (begins_with("Photoshop 3.0\0"sv)) {
        drop("IPTC");
        return false;
      }
      break;
    case 14:
      if (begins_with("Adobe"sv)) return keep_colour_transform();
      break;
    default:
      break;
  }
  drop(kApplicationData);
  return false;
}

// JFIF 1.02: the density is kept; the thumbnail behind it is another picture of the patient.
bool JpegCleaner::keep_jfif() {
  if (!cut_to(14)) return false;
  Byte& thumbnail_width = segment_[kContent + 12];
  Byte& thumbnail_height = segment_[kContent + 13];
  if (thumbnail_width != 0 && thumbnail_height != 0) drop(kThumbnail);
  thumbnail_width = thumbnail_height = 0;
  jfif_ = true;
  return true;
}

// Without its orientation a photo lies on its side. The first EXIF is the one that viewers take.
bool JpegCleaner::keep_orientation() {
  constexpr std::array<Byte, 6> kName = {'E', 'x', 'i', 'f', 0, 0};
  const bool first = !orientation_.has_value();
  const Exif exif = first && content().size() >= kName.size()
                        ? read_exif(content().subspan(kName.size()))
                        : Exif();
  if (first) orientation_ = exif.orientation;
  Bytes kept(kName.begin(), kName.end());
  const Bytes tiff = orientation_tiff(exif.orientation);
  kept.insert(kept.end(), tiff.begin(), tiff.end());
  if (exif.orientation != 1 && std::ranges::equal(content(), kept)) return true;

  drop("EXIF");
  if (exif.thumbnail) drop(kThumbnail);
  if (first) finding_.captured = exif.captured;
  set_content_size(kept.size());
  std::copy(kept.begin(), kept.end(), segment_.begin() + kContent);
  return exif.orientation != 1;
}

// Adobe's Technical Note 5116: without it CMYK and RGB show false colours.
bool JpegCleaner::keep_colour_transform() {
  if (!cut_to(12)) return false;
  adobe_transform_ = content().back();
  return true;
}

// Whatever stands behind an application segment's fields goes; one without them isn't that segment.
bool JpegCleaner::cut_to(std::size_t size) {
  if (content().size() < size) {
    drop(kApplicationData);
    return false;
  }
  set_content_size(size);
  return true;
}

// T.81 section B.2.2.
void JpegCleaner::check_frame(Byte marker) {
  if (is_hierarchical(marker)) reader_.refuse("hierarchical, which no viewer shows");
  if (frame_) reader_.refuse("a second frame");
  const ByteView header = content();
  if (header.size() < 6) reader_.refuse("a frame header that is too short");
  JpegFrame frame{.marker = marker,
                  .precision = header[0],
                  .width = two_bytes(header, 3),
                  .height = two_bytes(header, 1)};
  const std::size_t count = header[5];
  if (count < 1 || count > 4 || header.size() != 6 + 3 * count)
    reader_.refuse("a frame header with a wrong number of components");
  if (!fits_precision(marker, frame.precision)) reader_.refuse("a precision that isn't defined");
  // No lines yet, told by a DNL at the end: allowed, but neither cameras nor viewers know it.
  if (frame.width == 0 || frame.height == 0) reader_.refuse("a picture without width or height");
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView fields = header.subspan(6 + 3 * i, 3);
    const JpegFrame::Component component{.id = fields[0],
                                         .horizontal = static_cast<Byte>(fields[1] >> 4),
                                         .vertical = static_cast<Byte>(fields[1] & 15),
                                         .quantization = fields[2]};
    for (const JpegFrame::Component& other : frame.components)
      if (other.id == component.id) reader_.refuse("two components with one name");
    if (component.horizontal < 1 || component.horizontal > 4 || component.vertical < 1 ||
        component.vertical > 4 || component.quantization > 3)
      reader_.refuse("a component that isn't well-formed");
    frame.components.push_back(component);
  }
  frame_ = std::move(frame);
}

// T.81 section B.2.4.1.
void JpegCleaner::check_quantization_tables() {
  for (ByteView rest = content(); !rest.empty();) {
    const int wide = rest[0] >> 4;
    const int table = rest[0] & 15;
    const std::size_t size = 1 + (wide ? 128 : 64);
    if (wide > 1 || table > 3 || rest.size() < size)
      reader_.refuse("a quantization table that isn't well-formed");
    quantization_tables_ |= 1U << table;
    rest = rest.subspan(size);
  }
}

// T.81 section B.2.4.2.
void JpegCleaner::check_huffman_tables() {
  for (ByteView rest = content(); !rest.empty();) {
    const int kind = rest[0] >> 4;
    const int table = rest[0] & 15;
    std::size_t codes = 0;
    if (rest.size() >= 17)
      for (const Byte of_length : rest.subspan(1, 16)) codes += of_length;
    if (kind > 1 || table > 3 || codes > 256 || rest.size() < 17 + codes)
      reader_.refuse("a Huffman table that isn't well-formed");
    (kind == 0 ? dc_tables_ : ac_tables_) |= 1U << table;
    rest = rest.subspan(17 + codes);
  }
}

// T.81 section B.2.3. A table that a scan needs must have come before.
void JpegCleaner::check_scan() {
  const ByteView header = content();
  if (!frame_) reader_.refuse("a scan before the frame header");
  const std::size_t count = header.empty() ? 0 : header[0];
  if (count < 1 || count > 4 || header.size() != 4 + 2 * count)
    reader_.refuse("a scan header that isn't well-formed");
  const Byte first = header[1 + 2 * count];
  const bool refines = header[3 + 2 * count] >> 4 != 0;
  const Byte kind = frame_->marker;
  const bool needs_dc = !is_arithmetic(kind) && (!is_progressive(kind) || (first == 0 && !refines));
  const bool needs_ac =
      !is_arithmetic(kind) && !is_lossless(kind) && (!is_progressive(kind) || first != 0);

  unsigned here = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Byte id = header[1 + 2 * i];
    const Byte tables = header[2 + 2 * i];
    const auto component =
        std::find_if(frame_->components.begin(), frame_->components.end(),
                     [id](const JpegFrame::Component& known) { return known.id == id; });
    if (component == frame_->components.end()) reader_.refuse("a scan of an unknown component");
    const unsigned bit = 1U << (component - frame_->components.begin());
    if ((here & bit) != 0) reader_.refuse("a scan with one component twice");
    here |= bit;
    if (!is_lossless(kind) && (quantization_tables_ >> component->quantization & 1) == 0)
      reader_.refuse("a scan without its quantization table");
    if ((needs_dc && (dc_tables_ >> (tables >> 4) & 1) == 0) ||
        (needs_ac && (ac_tables_ >> (tables & 15) & 1) == 0))
      reader_.refuse("a scan without its Huffman tables");
  }
  scanned_ |= here;
}

void JpegCleaner::check_end() const {
  if (!frame_) reader_.refuse("no picture in it");
  if (scanned_ != (1U << frame_->components.size()) - 1)
    reader_.refuse("a component without a scan");
}

// Coded data as it lies in the piece at hand, up to the next marker. Nothing is copied, and nothing
// is decoded: bytes that hide between the last coded block and EOI stay where they are.
ByteView JpegCleaner::scan_data() {
  const ByteView there = reader_.ahead();
  if (there.empty()) reader_.refuse("it ends early");
  if (open_ff_) {
    // Any number of fill bytes may stand before a marker (T.81 section B.1.1.2), and none of them
    // is kept. A stuffed zero is no marker: behind fill bytes readers disagree what it is.
    if (there[0] == 0xff) {
      filled_ = true;
      reader_.skip(1);
      return {};
    }
    const bool filled = std::exchange(filled_, false);
    if (is_coded(there[0]) && !(filled && there[0] == 0)) {
      open_ff_ = false;
      return ByteView(kStart).first(1);
    }
    at_ = At::kSegments;
    return {};
  }
  std::size_t end = 0;
  while (end < there.size()) {
    const void* ff = std::memchr(there.data() + end, 0xff, there.size() - end);
    end = ff != nullptr ? static_cast<std::size_t>(static_cast<const Byte*>(ff) - there.data())
                        : there.size();
    open_ff_ = end < there.size() && (end + 1 == there.size() || !is_coded(there[end + 1]));
    if (open_ff_) break;
    end = std::min(end + 2, there.size());
  }
  reader_.skip(end + (open_ff_ ? 1 : 0));
  return there.first(end);
}

JpegColour JpegCleaner::colour() const noexcept {
  if (!frame_) return JpegColour::kUnknown;
  const auto& components = frame_->components;
  if (components.size() == 1) return JpegColour::kGrey;
  if (components.size() == 4) return JpegColour::kCmyk;
  if (components.size() != 3) return JpegColour::kUnknown;
  if (jfif_) return JpegColour::kYcc;
  if (adobe_transform_) return *adobe_transform_ == 0 ? JpegColour::kRgb : JpegColour::kYcc;
  const bool named_rgb =
      components[0].id == 'R' && components[1].id == 'G' && components[2].id == 'B';
  return named_rgb ? JpegColour::kRgb : JpegColour::kYcc;
}

void JpegCleaner::set_content_size(std::size_t size) {
  const std::size_t length = 2 + size;
  segment_size_ = 2 + length;
  segment_[2] = static_cast<Byte>(length >> 8);
  segment_[3] = static_cast<Byte>(length & 0xff);
}

}  // namespace letterbox::dicom
