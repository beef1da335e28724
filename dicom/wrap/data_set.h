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

/// Those that more than one file speaks of.
namespace tags {
inline constexpr std::uint32_t kSpecificCharacterSet = 0x00080005;
inline constexpr std::uint32_t kSopClassUid = 0x00080016;
inline constexpr std::uint32_t kSopInstanceUid = 0x00080018;
inline constexpr std::uint32_t kAcquisitionDateTime = 0x0008002a;
inline constexpr std::uint32_t kAccessionNumber = 0x00080050;
inline constexpr std::uint32_t kReferringPhysician = 0x00080090;
inline constexpr std::uint32_t kStudyDescription = 0x00081030;
inline constexpr std::uint32_t kPatientName = 0x00100010;
inline constexpr std::uint32_t kPatientId = 0x00100020;
inline constexpr std::uint32_t kIssuerOfPatientId = 0x00100021;
inline constexpr std::uint32_t kPatientBirthDate = 0x00100030;
inline constexpr std::uint32_t kPatientSex = 0x00100040;
inline constexpr std::uint32_t kStudyInstanceUid = 0x0020000d;
inline constexpr std::uint32_t kSeriesInstanceUid = 0x0020000e;
inline constexpr std::uint32_t kStudyId = 0x00200010;
inline constexpr std::uint32_t kLossyImageCompression = 0x00282110;
inline constexpr std::uint32_t kPixelData = 0x7fe00010;
}  // namespace tags

/// PS3.6 table A-1.
inline constexpr std::string_view kExplicitLittleEndian = "1.2.840.10008.1.2.1";

/// `text` in a string VR, padded as PS3.5 section 6.2 says.
Element text_element(const char (&vr)[3], std::string_view text);
/// DT, of a time as cameras note it ("2026-11-23T17:30:00+01:00", the offset only where it is
/// known).
Element time_element(std::string_view captured);
/// US.
Element number_element(std::uint16_t number);

/// The value of a string VR without its padding; empty if there is none.
std::string text_of(const DataSet& data_set, std::uint32_t tag);

/// Explicit VR little endian (PS3.5 section 7.1.2). Throws Error kTooLarge for a value that its
/// length field can't tell.
Bytes encoded(const DataSet& data_set);

/// Preamble, prefix and group 2 (PS3.10 section 7.1) of a file with that `transfer_syntax`; class
/// and instance are `data_set`'s own, or empty where it has none.
Bytes file_head(const DataSet& data_set, std::string_view transfer_syntax);

}  // namespace letterbox::dicom
