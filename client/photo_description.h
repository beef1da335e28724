// What is said of the photos of one send: under the seal, and in DICOM where they become that.
#pragma once

#include <optional>

#include "client/photo_label.h"
#include "dicom/wrap/photo.h"
#include "records/index.h"

namespace letterbox::client {

struct PhotoDescription {
  records::PhotoLabel label;
  /// The same for DICOM, with what a worklist knows beyond it. All photos of a send are one study
  /// and one series there.
  dicom::PhotoContext context;
};

/// Nothing if nothing was said. A worklist's entry says whose picture it is, and which study it
/// belongs to; the other options, what it shows. Throws as label_of does, kUsage for a patient
/// beside a worklist, kFile, and kMalformed for a file that isn't a worklist's entry.
std::optional<PhotoDescription> describe_photos(LabelOptions options);

}  // namespace letterbox::client
