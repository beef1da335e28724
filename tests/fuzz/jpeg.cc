#include "tests/fuzz/photo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  letterbox::check_photo(letterbox::dicom::MediaType::kJpeg, {data, size});
  return 0;
}
