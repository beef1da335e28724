// A photo on its way: walked to its end, and without what a camera wrote beside the picture.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/media_type.h"

namespace letterbox::dicom {

/// An Intake that yields `photo` (a kJpeg or kPng; anything else is a kInternal) without its
/// metadata, pixel for pixel: docs/photos.md says what is kept and what goes. Constant memory;
/// nothing is decoded. It finds `captured` and `dropped`, and knows no instance. Throws what an
/// Intake throws: a kNotWhatItClaims says which rule is broken and at which offset. The photo is
/// read to its end, also beyond the picture's. `photo` must outlive it; for one thread at a time.
std::unique_ptr<Intake> clean_photo(MediaType type, Source& photo);

}  // namespace letterbox::dicom
