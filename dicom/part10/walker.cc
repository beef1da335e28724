#include "dicom/part10/walker.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "dicom/part10/sequence_tags.h"
#include "dicom/part10/value_tags.h"

namespace letterbox::dicom {

namespace {

constexpr std::size_t kShortHeader = 8;  // tag, then VR and 16 bits of length, or 32 bits of length
constexpr std::size_t kLongHeader = 12;  // tag, VR, two reserved bytes, 32 bits of length

std::uint32_t read16(const Byte* at, bool big_endian) {
  return big_endian ? static_cast<std::uint32_t>(at[0]) << 8 | at[1]
                    : static_cast<std::uint32_t>(at[1]) << 8 | at[0];
}

std::uint32_t read32(const Byte* at, bool big_endian) {
  const std::uint32_t first = read16(at, big_endian);
  const std::uint32_t second = read16(at + 2, big_endian);
  return big_endian ? first << 16 | second : second << 16 | first;
}

// Two numbers of 16 bits, in either byte order.
Tag read_tag(const Byte* at, bool big_endian) {
  return read16(at, big_endian) << 16 | read16(at + 2, big_endian);
}

Vr read_vr(const Byte* at) {
  return {static_cast<char>(at[0]), static_cast<char>(at[1])};
}

constexpr Tag kPixelData = 0x7fe00010;

std::uint32_t group_of(Tag tag) {
  return tag >> 16;
}

bool is_mark(Tag tag) {
  return group_of(tag) == 0xfffe;
}

// PS3.5 section 7.1: groups that no data set has. 0000 is of commands, 0002 of the file meta
// information; a data set that seems to have them is mostly something else, misread.
bool is_illegal_group(std::uint32_t group) {
  return group <= 0x0003 || group == 0x0005 || group == 0x0007 || group == 0xffff;
}

}  // namespace

Walker::Walker(const Encoding& encoding, Visitor& visitor) : visitor_(visitor) {
  frames_[0] = {Within::kDataSet, encoding, kNoEnd, kNoEnd};
}

void Walker::take(ByteView piece) {
  while (!piece.empty()) {
    piece = value_left_ > 0 ? take_value(piece) : take_header(piece);
    while (value_left_ == 0 && top().end == offset_) close();
  }
}

void Walker::finish() const {
  if (value_left_ > 0) refuse("the file ends within a value");
  if (header_has_ > 0) refuse("the file ends within the beginning of an element");
  if (open_ > 1) refuse("the file ends within a sequence");
}

ByteView Walker::take_value(ByteView piece) {
  const std::size_t size =
      static_cast<std::size_t>(std::min<std::uint64_t>(value_left_, piece.size()));
  offset_ += size;
  value_left_ -= size;
  if (wanted_) {
    visitor_.value(piece.first(size));
    if (value_left_ == 0) visitor_.end_value();
  }
  return piece.subspan(size);
}

// A header that lies whole in the piece is read where it is.
ByteView Walker::take_header(ByteView piece) {
  if (header_has_ == 0 && piece.size() >= kMaxHeader) {
    const std::size_t size = header_size(piece.data());
    header(piece.data(), size);
    return piece.subspan(size);
  }
  std::size_t needed = header_has_ < kShortHeader ? kShortHeader : header_size(header_.data());
  const std::size_t more = std::min(needed - header_has_, piece.size());
  std::copy_n(piece.begin(), more, header_.begin() + static_cast<std::ptrdiff_t>(header_has_));
  header_has_ += more;
  if (header_has_ == kShortHeader) needed = header_size(header_.data());
  if (header_has_ == needed) {
    header_has_ = 0;
    header(header_.data(), needed);
  }
  return piece.subspan(more);
}

std::size_t Walker::header_size(const Byte* begun) const {
  const Encoding& encoding = top().encoding;
  if (top().within != Within::kDataSet || !encoding.explicit_vr) return kShortHeader;
  if (is_mark(read_tag(begun, encoding.big_endian))) return kShortHeader;
  switch (kind_of(read_vr(begun + 4))) {
    case VrKind::kShort:
    case VrKind::kNone:  // to be refused as soon as it is read
      return kShortHeader;
    case VrKind::kLong:
    case VrKind::kUnknown:
      return kLongHeader;
  }
  return kShortHeader;
}

void Walker::header(const Byte* bytes, std::size_t size) {
  offset_ += size;
  if (offset_ > top().limit) refuse("an element is larger than what it is in");
  const bool big_endian = top().encoding.big_endian;
  const Tag tag = read_tag(bytes, big_endian);
  const std::uint32_t length = read32(bytes + 4, big_endian);  // unless its VR says otherwise
  switch (tag) {
    case kItem:
      return item(length);
    case kItemDelimiter:
      return delimiter(Within::kDataSet, length);
    case kSequenceDelimiter:
      return delimiter(top().within == Within::kFragments ? Within::kFragments : Within::kSequence,
                       length);
    default:
      return data_element(tag, bytes);
  }
}

void Walker::item(std::uint32_t length) {
  switch (top().within) {
    case Within::kDataSet:
      refuse("an item stands outside a sequence");
    case Within::kSequence:
      open(Within::kDataSet, top().encoding, length);
      return visitor_.item();
    case Within::kFragments:
      if (length == kUndefinedLength) refuse("a fragment has no length");
      return begin_value(length, false);
  }
}

void Walker::delimiter(Within what, std::uint32_t length) {
  if (open_ == 1 || top().within != what || top().end != kNoEnd) {
    refuse("a delimiter stands where nothing is to be ended");
  }
  if (length != 0) refuse("a delimiter has a length");
  close();
}

void Walker::data_element(Tag tag, const Byte* bytes) {
  if (top().within != Within::kDataSet) refuse("something else than an item is in a sequence");
  if (is_mark(tag) || is_illegal_group(group_of(tag))) {
    refuse("an element is of a group that no data set has");
  }
  // In a data set that is sorted, as the standard wants it, this finds any element that is there
  // twice, of which each reader would take another.
  if (tag == top().last) refuse("an element is there twice");
  top().last = tag;
  const bool ascending = tag > top().highest;
  if (ascending) top().highest = tag;
  const Encoding encoding = top().encoding;
  Element element{.tag = tag,
                  .vr = {},
                  .length = 0,
                  .encoding = encoding,
                  .depth = nesting(),
                  .ascending = ascending};

  if (!encoding.explicit_vr) {
    element.length = read32(bytes + 4, encoding.big_endian);
    const bool undefined = element.length == kUndefinedLength;
    // Some readers would take it for a sequence, some end it at the first delimiter in it, some
    // refuse it. And an implicit VR data set has no fragments.
    if (undefined && is_value(tag)) {
      refuse("an element of implicit VR that is a value has no length");
    }
    if (undefined || is_sequence(tag)) {
      open(Within::kSequence, encoding, element.length);
      return visitor_.sequence(element, encoding);
    }
    return begin_value(element.length, visitor_.element(element));
  }

  element.vr = read_vr(bytes + 4);
  switch (kind_of(element.vr)) {
    case VrKind::kNone:
      refuse("a VR isn't two capital letters");
    case VrKind::kShort:
      element.length = read16(bytes + 6, encoding.big_endian);
      return begin_value(element.length, visitor_.element(element));
    case VrKind::kLong:
    case VrKind::kUnknown:
      element.length = read32(bytes + 8, encoding.big_endian);
      break;
  }
  if (is(element.vr, "SQ")) {
    open(Within::kSequence, encoding, element.length);
    return visitor_.sequence(element, encoding);
  }
  if (element.length != kUndefinedLength) {
    return begin_value(element.length, visitor_.element(element));
  }
  if (is(element.vr, "UN")) {
    // PS3.5 section 6.2.2, note 2: a sequence that somebody on the way didn't know, as it was.
    open(Within::kSequence, kImplicitLittleEndian, element.length);
    return visitor_.sequence(element, kImplicitLittleEndian);
  }
  if (tag == kPixelData && (is(element.vr, "OB") || is(element.vr, "OW"))) {
    open(Within::kFragments, encoding, element.length);
    return visitor_.fragments(element);
  }
  refuse("an element that isn't a sequence or Pixel Data has no length");
}

void Walker::open(Within within, const Encoding& encoding, std::uint32_t length) {
  if (within == Within::kSequence && nesting() == kMaxNesting) {
    refuse("sequences are nested deeper than 64");
  }
  const std::uint64_t end = length == kUndefinedLength ? kNoEnd : offset_ + length;
  const std::uint64_t limit = top().limit;
  if (end != kNoEnd && end > limit) refuse("an element is larger than what it is in");
  frames_[open_++] = {within, encoding, end, std::min(end, limit)};
}

void Walker::close() {
  switch (top().within) {
    case Within::kDataSet:
      visitor_.end_item();
      break;
    case Within::kSequence:
      visitor_.end_sequence();
      break;
    case Within::kFragments:
      break;
  }
  --open_;
}

void Walker::begin_value(std::uint32_t length, bool wanted) {
  if (length > top().limit - offset_) refuse("an element is larger than what it is in");
  value_left_ = length;
  wanted_ = wanted;
  if (wanted && length == 0) visitor_.end_value();
}

void Walker::refuse(const char* rule) const {
  throw Error(ErrorCode::kNotWhatItClaims,
              std::string(rule) + ", before byte " + std::to_string(offset_) + " of the data set");
}

}  // namespace letterbox::dicom
