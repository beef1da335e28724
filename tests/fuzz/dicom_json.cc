// Metadata from outside becomes data sets that can be written, whatever it says; and with a photo
// before it (its length in the first two bytes), files.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "dicom/wrap/composed_instance.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView input(data, size);
  const std::size_t photo_size = std::min(std::size_t{data[0]} << 8 | data[1], size - 2);
  const ByteView photo = input.subspan(2, photo_size);
  const ByteView json = input.subspan(2 + photo_size);
  try {
    for (dicom::InstanceMetadata& instance : dicom::parse_metadata(json)) {
      if (instance.bulk_data_uri.empty()) __builtin_trap();
      if (dicom::encoded(instance.attributes).size() % 2 != 0) __builtin_trap();
      dicom::uids_of(instance.attributes);
      ViewSource source(photo, 17);
      dicom::ComposedInstance composed(std::move(instance), source);
      if (read_all(composed, SIZE_MAX).size() % 2 != 0) __builtin_trap();
    }
  } catch (const Error& error) {
    switch (error.code()) {
      case ErrorCode::kMalformed:
      case ErrorCode::kTooLarge:
      case ErrorCode::kNotWhatItClaims:
      case ErrorCode::kEmptyBody:
      case ErrorCode::kUnsupportedTransferSyntax:
        break;
      default:
        __builtin_trap();
    }
  }
  return 0;
}
