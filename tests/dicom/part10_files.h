// Writes DICOM files, right ones and wrong ones, element by element.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "dicom/part10/element.h"
#include "dicom/part10/encoding.h"

namespace letterbox::dicom {

inline constexpr std::string_view kTextReport = "1.2.840.10008.5.1.4.1.1.88.11";
inline constexpr std::string_view kCtImage = "1.2.840.10008.5.1.4.1.1.2";

/// Appends to a data set, or to the inside of an item, in one encoding. Lengths aren't checked: a
/// caller who wants a wrong one gets it.
class DataSet {
 public:
  explicit DataSet(const Encoding& encoding = kExplicitLittleEndian) : encoding_(encoding) {}

  DataSet& header(Tag tag, std::string_view vr, std::uint32_t length) {
    put16(tag >> 16);
    put16(tag & 0xffff);
    if (!encoding_.explicit_vr) return put32(length);
    text(vr);
    const Vr two{vr[0], vr[1]};
    if (kind_of(two) == VrKind::kShort || kind_of(two) == VrKind::kNone) return put16(length);
    put16(0);
    return put32(length);
  }
  DataSet& element(Tag tag, std::string_view vr, std::string_view value) {
    header(tag, vr, static_cast<std::uint32_t>(value.size()));
    return text(value);
  }
  /// A UID, padded as the standard says.
  DataSet& uid(Tag tag, std::string_view value) {
    std::string padded(value);
    if (padded.size() % 2 != 0) padded += '\0';
    return element(tag, "UI", padded);
  }
  DataSet& mark(Tag tag, std::uint32_t length = 0) {
    put16(tag >> 16);
    put16(tag & 0xffff);
    return put32(length);
  }
  DataSet& text(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  DataSet& put16(std::uint32_t value) {
    const auto low = static_cast<char>(value);
    const auto high = static_cast<char>(value >> 8);
    bytes_ += encoding_.big_endian ? high : low;
    bytes_ += encoding_.big_endian ? low : high;
    return *this;
  }
  DataSet& put32(std::uint32_t value) {
    put16(encoding_.big_endian ? value >> 16 : value & 0xffff);
    return put16(encoding_.big_endian ? value & 0xffff : value >> 16);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  Encoding encoding_;
  std::string bytes_;
};

/// What names the instance.
inline DataSet named(std::string_view sop_class = kTextReport,
                     const Encoding& encoding = kExplicitLittleEndian) {
  DataSet set(encoding);
  set.uid(0x00080016, sop_class).uid(0x00080018, "1.2.3.4").uid(0x0020000d, "1.2.3");
  set.uid(0x0020000e, "1.2.3.1");
  return set;
}

inline std::string preamble() {
  return std::string(128, '\0') + "DICM";
}

inline std::string file_meta(std::string_view transfer_syntax) {
  DataSet rest;
  rest.element(0x00020001, "OB", std::string_view("\0\1", 2)).uid(0x00020010, transfer_syntax);
  DataSet length;
  length.header(0x00020000, "UL", 4).put32(static_cast<std::uint32_t>(rest.bytes().size()));
  return length.bytes() + rest.bytes();
}

inline std::string file_of(std::string_view data_set,
                           std::string_view transfer_syntax = uid_of(kExplicitLittleEndian)) {
  return preamble() + file_meta(transfer_syntax) + std::string(data_set);
}

inline std::string file_of(const DataSet& set,
                           std::string_view transfer_syntax = uid_of(kExplicitLittleEndian)) {
  return file_of(set.bytes(), transfer_syntax);
}

}  // namespace letterbox::dicom
