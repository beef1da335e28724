#include "dicom/part10/file_meta.h"

#include <algorithm>

#include "base/error.h"
#include "base/secret.h"
#include "dicom/part10/element.h"
#include "dicom/part10/uid.h"

namespace letterbox::dicom {

namespace {

constexpr std::size_t kPreamble = 128;
constexpr std::string_view kPrefix = "DICM";
constexpr std::size_t kHeader = 8;
constexpr std::size_t kLongHeader = 12;
constexpr std::uint32_t kMetaGroup = 0x0002;
constexpr Tag kGroupLength = 0x00020000;
constexpr Tag kMediaStorageSopClass = 0x00020002;
constexpr Tag kMediaStorageSopInstance = 0x00020003;
constexpr Tag kTransferSyntax = 0x00020010;

// Always explicit VR little endian.
std::uint32_t read16(ByteView at) {
  return static_cast<std::uint32_t>(at[1]) << 8 | at[0];
}

std::uint32_t read32(ByteView at) {
  return read16(at.subspan(2)) << 16 | read16(at);
}

}  // namespace

// Room for all there can be: a vector that grows leaves its old storage unwiped behind.
FileMeta::FileMeta() {
  bytes_.reserve(kMaxFileMeta);
}

FileMeta::~FileMeta() {
  wipe(bytes_);
}

ByteView FileMeta::take(ByteView piece) {
  while (!complete_) {
    const std::size_t more = std::min(needed_ - bytes_.size(), piece.size());
    bytes_.insert(bytes_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(more));
    piece = piece.subspan(more);
    if (bytes_.size() < needed_) break;
    if (at_ == 0) {
      prefix();
    } else {
      element();
    }
  }
  return piece;
}

void FileMeta::prefix() {
  if (as_text(bytes_at(kPreamble).first(kPrefix.size())) != kPrefix) {
    refuse("there is no preamble with \"DICM\" after it");
  }
  at_ = kPreamble + kPrefix.size();
  needed_ = at_ + kHeader;
}

// Looks at the element that begins at at_ once more for each time that it turns out to be longer.
void FileMeta::element() {
  const ByteView header = bytes_at(at_);
  if (read16(header) != kMetaGroup) {
    if (end_) refuse("the file meta group is shorter than its length says");
    return end();
  }
  const Tag tag = kMetaGroup << 16 | read16(header.subspan(2));
  const Vr vr{static_cast<char>(header[4]), static_cast<char>(header[5])};
  const VrKind kind = kind_of(vr);
  if (kind == VrKind::kNone) refuse("a VR isn't two capital letters");
  const bool has_long_header = kind != VrKind::kShort;
  const std::size_t value_at = at_ + (has_long_header ? kLongHeader : kHeader);
  if (bytes_.size() < value_at) {
    needed_ = value_at;
    return;
  }
  const std::uint32_t length =
      has_long_header ? read32(header.subspan(8)) : read16(header.subspan(6));
  const std::size_t value_end = value_at + length;
  if (value_end > kMaxFileMeta) refuse("the file meta group is too long");
  if (end_ && value_end > *end_) refuse("the file meta group is longer than its length says");
  if (bytes_.size() < value_end) {
    needed_ = value_end;
    return;
  }

  const ByteView value = bytes_at(value_at).first(length);
  if (tag == kGroupLength) {
    // Elsewhere than first it would be the length of what, and two of them which?
    if (at_ != kPreamble + kPrefix.size() || length != 4) refuse("a group length isn't one");
    const std::uint32_t group_length = read32(value);
    if (group_length > kMaxFileMeta - value_end) refuse("the file meta group is too long");
    end_ = value_end + group_length;
  }
  if (tag == kTransferSyntax) {
    const auto uid = parse_uid(as_text(value));
    if (!uid || !transfer_syntax_.empty()) refuse("the transfer syntax isn't one UID");
    transfer_syntax_ = *uid;
  }
  if (tag == kMediaStorageSopClass) sop_class_ = parse_uid(as_text(value)).value_or("");
  if (tag == kMediaStorageSopInstance) sop_instance_ = parse_uid(as_text(value)).value_or("");
  at_ = value_end;
  if (at_ == end_) return end();
  needed_ = at_ + kHeader;
}

void FileMeta::end() {
  if (transfer_syntax_.empty()) refuse("there is no transfer syntax");
  complete_ = true;
}

void FileMeta::refuse(const char* rule) const {
  throw Error(ErrorCode::kNotWhatItClaims,
              std::string(rule) + ", at byte " + std::to_string(at_) + " of the file");
}

}  // namespace letterbox::dicom
