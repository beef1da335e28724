// How a data set is written in bytes: byte order, explicit or implicit VR, deflated or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace letterbox::dicom {

/// PS3.5 section 7.1: how the elements of one data set, or of one item, are written.
struct Encoding {
  bool explicit_vr = true;
  bool big_endian = false;
  bool operator==(const Encoding&) const = default;
};

inline constexpr Encoding kImplicitLittleEndian{.explicit_vr = false};
inline constexpr Encoding kExplicitLittleEndian{};
inline constexpr Encoding kExplicitBigEndian{.big_endian = true};

/// PS3.5 section 10 and annex A.
struct TransferSyntax {
  Encoding encoding;
  bool deflated = false;  ///< the data set is one RFC 1951 stream
};

/// One of the standard's for files (PS3.6 table A-1, retired ones too). Nothing for any other UID,
/// a vendor's among them: how such a data set is written is known to nobody but the vendor.
std::optional<TransferSyntax> find_transfer_syntax(std::string_view uid);

/// The UID under which a data set of this encoding, with nothing encapsulated in it, is labelled.
std::string_view uid_of(const Encoding& encoding);

}  // namespace letterbox::dicom
