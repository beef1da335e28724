// DICOM JSON (PS3.18 Annex F) from outside, read into data sets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/wrap/data_set.h"

namespace letterbox::dicom {

/// Most bytes of a metadata part, and most instances in it.
inline constexpr std::size_t kMaxMetadata = std::size_t{4} * 1024 * 1024;
inline constexpr std::size_t kMaxMetadataInstances = 1000;

/// One instance whose picture is in another part.
struct InstanceMetadata {
  /// Without group 2, and without Pixel Data.
  DataSet attributes;
  /// Where its Pixel Data is, as its BulkDataURI says. It equals the Content-Location of the part
  /// that has it (PS3.18 section 8.7.3.2), but for case and percent-encoding nobody normalizes.
  std::string bulk_data_uri;
};

/// All instances of an `application/dicom+json` metadata part (PS3.18 section 10.5.1), an array of
/// objects or one object. Texts become UTF-8 data, whatever Specific Character Set says. Each has
/// Pixel Data with a BulkDataURI; no other bulk data is taken. Throws Error kMalformed; kTooLarge.
std::vector<InstanceMetadata> parse_metadata(ByteView json);

/// What names the instance, as far as it is there: for the answer about one that failed.
InstanceUids uids_of(const DataSet& attributes);

}  // namespace letterbox::dicom
