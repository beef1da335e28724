// The little of EXIF (CIPA DC-008, which is TIFF 6.0 in small) that outlives cleaning.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace letterbox::dicom {

struct Exif {
  int orientation = 1;                  ///< 1 to 8 (TIFF tag 274); 1: upright
  std::optional<std::string> captured;  ///< as Finding::captured
  bool thumbnail = false;
};

/// What can be made out of `tiff`, which begins with its byte order. Hostile bytes give whatever is
/// left at its default: an offset that leads nowhere, or in a circle, is followed once at most.
Exif read_exif(ByteView tiff);

/// The smallest TIFF that says `orientation` and nothing else.
Bytes orientation_tiff(int orientation);

}  // namespace letterbox::dicom
