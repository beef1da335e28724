// DCMTK reads a digest and says it as DICOM JSON. Runs in a sandbox: DCMTK has died of less.
#pragma once

#include "base/bytes.h"
#include "dicom/attributes/attributes.h"

namespace letterbox::dicom {

/// Loads what read_attributes() would otherwise look for in files: the data dictionary and the
/// character sets. Later changes of the environment change nothing. Throws Error kConfiguration
/// without a dictionary.
void load_dictionary();

/// Reads a digest (dicom/part10/scanner.h) and writes its data set by PS3.18 annex F. What can't be
/// said there is left out (a DS that is no number, a float that isn't finite), and so are the
/// largest elements when all don't fit, but for those that a file is known and found by; bytes that
/// aren't in the character set become U+FFFD. Both are named, at their top level. Group lengths and
/// padding are neither written nor named. Throws Error kNotWhatItClaims.
Attributes read_attributes(ByteView digest);

}  // namespace letterbox::dicom
