#include "dicom/part10/encoding.h"

#include <algorithm>
#include <array>

namespace letterbox::dicom {

namespace {

constexpr std::string_view kImplicitUid = "1.2.840.10008.1.2";
constexpr std::string_view kExplicitUid = "1.2.840.10008.1.2.1";
constexpr std::string_view kBigEndianUid = "1.2.840.10008.1.2.2";

// PS3.6 table A-1. Deflated data sets are explicit VR little endian (PS3.5 annex A.5).
constexpr auto kDeflated = std::to_array<std::string_view>({
    "1.2.840.10008.1.2.1.99",   // Deflated Explicit VR Little Endian
    "1.2.840.10008.1.2.4.95",   // JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.205",  // JPIP HTJ2K Referenced Deflate
});

// Whose pixels are encapsulated, or lie elsewhere; the data set is explicit VR little endian (PS3.5
// annex A.4). The same table has transfer syntaxes that aren't those of files: MIME, XML, SMPTE ST
// 2110.
constexpr auto kEncapsulated = std::to_array<std::string_view>({
    "1.2.840.10008.1.2.1.98",  // Encapsulated Uncompressed
    "1.2.840.10008.1.2.4.50",  // JPEG: 50 to 66, 70
    "1.2.840.10008.1.2.4.51",    "1.2.840.10008.1.2.4.52",    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.54",    "1.2.840.10008.1.2.4.55",    "1.2.840.10008.1.2.4.56",
    "1.2.840.10008.1.2.4.57",    "1.2.840.10008.1.2.4.58",    "1.2.840.10008.1.2.4.59",
    "1.2.840.10008.1.2.4.60",    "1.2.840.10008.1.2.4.61",    "1.2.840.10008.1.2.4.62",
    "1.2.840.10008.1.2.4.63",    "1.2.840.10008.1.2.4.64",    "1.2.840.10008.1.2.4.65",
    "1.2.840.10008.1.2.4.66",    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",  // JPEG-LS
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",  // JPEG 2000
    "1.2.840.10008.1.2.4.91",    "1.2.840.10008.1.2.4.92",    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.4.94",   // JPIP Referenced
    "1.2.840.10008.1.2.4.100",  // MPEG-2, MPEG-4, HEVC; .1: in several fragments
    "1.2.840.10008.1.2.4.100.1", "1.2.840.10008.1.2.4.101",   "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102",   "1.2.840.10008.1.2.4.102.1", "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.103.1", "1.2.840.10008.1.2.4.104",   "1.2.840.10008.1.2.4.104.1",
    "1.2.840.10008.1.2.4.105",   "1.2.840.10008.1.2.4.105.1", "1.2.840.10008.1.2.4.106",
    "1.2.840.10008.1.2.4.106.1", "1.2.840.10008.1.2.4.107",   "1.2.840.10008.1.2.4.108",
    "1.2.840.10008.1.2.4.110",  // JPEG XL
    "1.2.840.10008.1.2.4.111",   "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.201",  // High-Throughput JPEG 2000
    "1.2.840.10008.1.2.4.202",   "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.204",  // JPIP HTJ2K Referenced
    "1.2.840.10008.1.2.5",      // RLE
    "1.2.840.10008.1.2.8.1",    // Deflated Image Frame
});

template <typename Table>
bool holds(const Table& table, std::string_view uid) {
  return std::find(table.begin(), table.end(), uid) != table.end();
}

}  // namespace

std::optional<TransferSyntax> find_transfer_syntax(std::string_view uid) {
  if (uid == kImplicitUid) return TransferSyntax{kImplicitLittleEndian};
  if (uid == kBigEndianUid) return TransferSyntax{kExplicitBigEndian};
  if (uid == kExplicitUid || holds(kEncapsulated, uid))
    return TransferSyntax{kExplicitLittleEndian};
  if (holds(kDeflated, uid)) return TransferSyntax{kExplicitLittleEndian, true};
  return std::nullopt;
}

std::string_view uid_of(const Encoding& encoding) {
  if (encoding == kImplicitLittleEndian) return kImplicitUid;
  return encoding == kExplicitBigEndian ? kBigEndianUid : kExplicitUid;
}

}  // namespace letterbox::dicom
