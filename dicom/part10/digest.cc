#include "dicom/part10/digest.h"

#include <algorithm>
#include <array>

#include "base/secret.h"
#include "dicom/part10/identifiers.h"

namespace letterbox::dicom {

namespace {

constexpr std::size_t kPreamble = 128;
constexpr std::size_t kLongHeader = 12;
// A tag and a length.
constexpr std::size_t kMark = 8;
// What closes all that may be open: a delimiter for each item and each sequence.
constexpr std::size_t kRoomForEnds = 2 * kMaxNesting * kMark;
// Nearly every digest is smaller; for the others there is one larger place.
constexpr std::size_t kUsualDigest = std::size_t{64} * 1024;
// And what names the instance always fits.
constexpr std::size_t kRoomForIdentifiers = 1024;
constexpr std::size_t kIdentifiers = 4;

// Bulk whatever its size, at any depth: an icon's pixels are no attribute either.
constexpr auto kBulk = std::to_array<Tag>({
    0x00420011,  // Encapsulated Document
    0x54001010,  // Waveform Data
    0x56000020,  // Spectroscopy Data
    0x7fe00008,  // Float Pixel Data
    0x7fe00009,  // Double Float Pixel Data
    0x7fe00010,  // Pixel Data
});

// They say nothing, and group lengths would be wrong in a digest.
bool is_noise(Tag tag) {
  constexpr Tag kTrailingPadding = 0xfffcfffc;
  return (tag & 0xffff) == 0 || tag == kTrailingPadding;
}

// What the parser needs wherever it stands: what names the instance, and what its texts are read
// by.
bool is_needed(const Element& element) {
  constexpr Tag kSpecificCharacterSet = 0x00080005;
  return element.depth == 0 && (is_identifier(element.tag) || element.tag == kSpecificCharacterSet);
}

std::string hexadecimal(Tag tag) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[tag >> shift & 0xf];
  return text;
}

}  // namespace

DigestWriter::~DigestWriter() {
  wipe(bytes_);
}

void DigestWriter::begin(const Encoding& encoding) {
  std::string uid(uid_of(encoding));
  if (uid.size() % 2 != 0) uid += '\0';
  bytes_.reserve(kUsualDigest);
  bytes_.assign(kPreamble, 0);
  const auto put_text = [this](std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  };
  put_text("DICM");
  put32(0x00000002, false);  // (0002,0000) UL: the length of the two elements after it
  put_text("UL");
  put16(4, false);
  put32(static_cast<std::uint32_t>(14 + 8 + uid.size()), false);
  put32(0x00010002, false);  // (0002,0001) OB: version 1
  put_text("OB");
  put16(0, false);
  put32(2, false);
  put16(0x0100, false);
  put32(0x00100002, false);  // (0002,0010) UI: the transfer syntax
  put_text("UI");
  put16(static_cast<std::uint32_t>(uid.size()), false);
  put_text(uid);
}

bool DigestWriter::element(const Element& element) {
  enter(element);
  if (dropped_ || is_noise(element.tag)) return false;
  if (element.length > kMaxDigestValue ||
      std::find(kBulk.begin(), kBulk.end(), element.tag) != kBulk.end()) {
    name();
    return false;
  }
  return write_header(element, element.length);
}

void DigestWriter::value(ByteView piece) {
  bytes_.insert(bytes_.end(), piece.begin(), piece.end());
}

void DigestWriter::sequence(const Element& element, const Encoding& items) {
  enter(element);
  items_[nesting_++] = items;
  if (dropped_) return;
  Element rewritten = element;
  rewritten.length = kUndefinedLength;
  write_header(rewritten, 0);
}

void DigestWriter::item() {
  // Its end and the sequence's have their room already.
  if (!dropped_ && !room_for(kMark, kRoomForEnds + kRoomForIdentifiers)) return;
  write_mark(kItem, kUndefinedLength);
}

void DigestWriter::end_item() {
  write_mark(kItemDelimiter, 0);
}

void DigestWriter::end_sequence() {
  write_mark(kSequenceDelimiter, 0);
  --nesting_;
}

void DigestWriter::fragments(const Element& element) {
  enter(element);
  name();
}

std::vector<std::string> DigestWriter::left_out() const {
  std::vector<std::string> names;
  for (const Tag tag : left_out_) names.push_back(hexadecimal(tag));
  if (more_left_out_) names.back() = "FFFFFFFF";
  return names;
}

void DigestWriter::enter(const Element& element) {
  if (element.depth == 0) {
    present_ = element.tag;
    present_at_ = bytes_.size();
    before_present_ = elements_;
    dropped_ = false;
  }
  // A parser that sorts takes time by the square of what isn't in order. What an item holds is left
  // out with all around it: without its character set, the rest would read as something else.
  if (!element.ascending && !is_needed(element) && !is_noise(element.tag)) drop();
}

// Drops the present element of the top level if `size` more bytes of it are too many.
bool DigestWriter::room_for(std::size_t size, std::size_t kept_free) {
  const std::size_t after = bytes_.size() + size;
  if (after <= kMaxDigest - kept_free &&
      (nesting_ == 0 || after - present_at_ <= kMaxDigestSequence)) {
    if (after + kRoomForEnds > bytes_.capacity()) move_to_larger_place();
    return true;
  }
  drop();
  return false;
}

// Not left to the vector: one that grows leaves its old storage unwiped behind.
void DigestWriter::move_to_larger_place() {
  Bytes larger;
  larger.reserve(kMaxDigest);
  larger.assign(bytes_.begin(), bytes_.end());
  wipe(bytes_);
  bytes_.swap(larger);
}

bool DigestWriter::write_header(const Element& element, std::size_t value_size) {
  const bool identifies = element.depth == 0 && is_identifier(element.tag);
  if (elements_ + (identifies ? 0 : kIdentifiers) >= kMaxDigestElements) {
    drop();
    return false;
  }
  if (!room_for(kLongHeader + value_size,
                identifies ? kRoomForEnds : kRoomForEnds + kRoomForIdentifiers)) {
    return false;
  }
  ++elements_;
  const bool big_endian = element.encoding.big_endian;
  put16(element.tag >> 16, big_endian);
  put16(element.tag & 0xffff, big_endian);
  if (!element.encoding.explicit_vr) {
    put32(element.length, big_endian);
    return true;
  }
  const Vr vr = identifies                                ? Vr{'U', 'I'}
                : kind_of(element.vr) == VrKind::kUnknown ? Vr{'U', 'N'}
                                                          : element.vr;
  bytes_.insert(bytes_.end(), vr.begin(), vr.end());
  if (kind_of(vr) == VrKind::kShort) {
    put16(element.length, big_endian);
  } else {
    put16(0, big_endian);
    put32(element.length, big_endian);
  }
  return true;
}

void DigestWriter::write_mark(Tag tag, std::uint32_t length) {
  if (dropped_) return;
  const bool big_endian = items_[nesting_ - 1].big_endian;
  put16(tag >> 16, big_endian);
  put16(tag & 0xffff, big_endian);
  put32(length, big_endian);
}

void DigestWriter::put16(std::uint32_t value, bool big_endian) {
  const auto low = static_cast<Byte>(value);
  const auto high = static_cast<Byte>(value >> 8);
  bytes_.push_back(big_endian ? high : low);
  bytes_.push_back(big_endian ? low : high);
}

void DigestWriter::put32(std::uint32_t value, bool big_endian) {
  put16(big_endian ? value >> 16 : value & 0xffff, big_endian);
  put16(big_endian ? value & 0xffff : value >> 16, big_endian);
}

void DigestWriter::name() {
  if (!left_out_.empty() && left_out_.back() == present_) return;
  if (left_out_.size() < kMaxLeftOut) {
    left_out_.push_back(present_);
  } else {
    more_left_out_ = true;
  }
}

void DigestWriter::drop() {
  wipe(std::span(bytes_).subspan(present_at_));
  bytes_.resize(present_at_);
  elements_ = before_present_;
  dropped_ = true;
  name();
}

}  // namespace letterbox::dicom
