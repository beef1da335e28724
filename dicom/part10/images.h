// Which objects are nothing without pixels.
#pragma once

#include <string_view>

namespace letterbox::dicom {

/// Whether instances of this SOP class always have pixels (PS3.3 section A.1.4: the Image Pixel
/// module or one of its kin is mandatory). No for RT Dose, which may be a histogram alone.
bool is_image(std::string_view sop_class) noexcept;

}  // namespace letterbox::dicom
