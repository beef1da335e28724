// A DICOM data set that we write ourselves. What arrives as DICOM is never read into one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace letterbox::dicom {

struct Element;

/// By tag, group in the upper half: 0x00100010.
using DataSet = std::map<std::uint32_t, Element>;

struct Element {
  std::array<char, 2> vr = {'U', 'N'};
  Bytes value = {};                 ///< little endian, of even length; empty for a sequence
  std::vector<DataSet> items = {};  ///< of a sequence
};

/// `text` in a string VR, padded as PS3.5 section 6.2 says.
Element text_element(const char (&vr)[3], std::string_view text);
/// US.
Element number_element(std::uint16_t number);

/// Explicit VR little endian (PS3.5 section 7.1.2). Throws Error kTooLarge for a value that its
/// length field can't tell.
Bytes encoded(const DataSet& data_set);

/// Preamble, prefix and group 2 (PS3.10 section 7.1) of a file with that `transfer_syntax`; class
/// and instance are `data_set`'s own. Empty texts where it has none.
Bytes file_head(const DataSet& data_set, std::string_view transfer_syntax);

}  // namespace letterbox::dicom
