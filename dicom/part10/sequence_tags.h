// Which elements are sequences: what an implicit VR data set doesn't say itself.
#pragma once

#include "dicom/part10/element.h"

namespace letterbox::dicom {

/// Whether the standard's dictionary (PS3.6) gives this element the VR SQ. No for a private one,
/// and for one that is newer than the table.
bool is_sequence(Tag tag) noexcept;

}  // namespace letterbox::dicom
