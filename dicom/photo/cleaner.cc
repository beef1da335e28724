#include "dicom/photo/cleaner.h"

#include "base/error.h"
#include "dicom/photo/jpeg.h"
#include "dicom/photo/png.h"

namespace letterbox::dicom {

std::unique_ptr<Intake> clean_photo(MediaType type, Source& photo) {
  switch (type) {
    case MediaType::kJpeg:
      return std::make_unique<JpegCleaner>(photo);
    case MediaType::kPng:
      return std::make_unique<PngCleaner>(photo);
    case MediaType::kDicom:
      break;
  }
  throw Error(ErrorCode::kInternal, "only a JPEG or a PNG can be cleaned as a photo");
}

}  // namespace letterbox::dicom
