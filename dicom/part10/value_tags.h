// Which elements are no sequences, whatever an implicit VR data set says.
#pragma once

#include "dicom/part10/element.h"

namespace letterbox::dicom {

/// Whether the standard's dictionary (PS3.6) gives this element a VR, and another than SQ. No for a
/// private one, and for one that is newer than the table. That is more than that is_sequence() says
/// no: of elements that neither knows, every reader finds out by what is in them.
bool is_value(Tag tag) noexcept;

}  // namespace letterbox::dicom
