// The beginning of a data element (PS3.5 section 7.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dicom/part10/encoding.h"

namespace letterbox::dicom {

/// Group in the upper half, element in the lower one: 0x7fe00010.
using Tag = std::uint32_t;

inline constexpr Tag kItem = 0xfffee000;
inline constexpr Tag kItemDelimiter = 0xfffee00d;
inline constexpr Tag kSequenceDelimiter = 0xfffee0dd;

inline constexpr std::uint32_t kUndefinedLength = 0xffffffff;

/// Two letters; NULs where the encoding has none.
using Vr = std::array<char, 2>;

/// What an explicit VR element's header looks like follows from its VR (PS3.5 section 7.1.2).
enum class VrKind : std::uint8_t {
  kNone,     ///< no two capital letters
  kShort,    ///< a length of 16 bits follows
  kLong,     ///< two reserved bytes and a length of 32 bits
  kUnknown,  ///< capital letters that PS3.5 doesn't know: by section 6.2 as kLong
};
VrKind kind_of(const Vr& vr) noexcept;

constexpr bool is(const Vr& vr, const char (&name)[3]) noexcept {
  return vr[0] == name[0] && vr[1] == name[1];
}

/// All that stands before an element's value.
struct Element {
  Tag tag;
  Vr vr;
  std::uint32_t length;  ///< of its value as written; kUndefinedLength if it has an end mark
  Encoding encoding;     ///< what it is written in
  std::size_t depth;     ///< sequences around it; 0: top level
  bool ascending;        ///< its tag is higher than all before it in its data set or item
};

}  // namespace letterbox::dicom
