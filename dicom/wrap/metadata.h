// DICOM JSON (PS3.18 Annex F) from outside, read into data sets.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/wrap/data_set.h"

namespace letterbox::dicom {

/// Most bytes of a metadata part: some hundred instances.
inline constexpr std::size_t kMaxMetadata = std::size_t{1} * 1024 * 1024;

/// One instance whose picture is in another part.
struct InstanceMetadata {
  /// Without group 2, and without anything of Pixel Data's group.
  DataSet attributes;
  /// Where its Pixel Data is, as its BulkDataURI says. It equals the Content-Location of the part
  /// that has it (PS3.18 section 8.7.3.2), but for case and percent-encoding nobody normalizes.
  std::string bulk_data_uri;
};

/// One object of the DICOM JSON Model as a data set in UTF-8, whatever its Specific Character Set
/// says. Strict: no member twice, VRs of the standard, values as their VR wants them, no backslash
/// in a value that would become two. Group 2 and retired group lengths are passed over. Pixel
/// Data's BulkDataURI goes into `bulk_data_uri`; no other bulk data and no InlineBinary is taken.
/// An array of just one object is taken for that object. Throws Error kMalformed; kTooLarge over
/// kMaxMetadata.
InstanceMetadata parse_instance(ByteView json);

/// All instances of an `application/dicom+json` metadata part (PS3.18 section 10.5.1): an array of
/// objects, or one object. Each has Pixel Data with a BulkDataURI. Throws as parse_instance does.
std::vector<InstanceMetadata> parse_metadata(ByteView json);

/// What names the instance, as far as it is there: for the answer about one that failed.
InstanceUids uids_of(const DataSet& attributes);

}  // namespace letterbox::dicom
