#include <zlib.h>

#include "tests/fuzz/photo.h"

using namespace letterbox;

namespace {

// A fuzzer never guesses a check sum, so all but the first chunk would stay unseen.
Bytes with_right_sums(ByteView photo) {
  constexpr std::size_t kSignature = 8;
  constexpr std::size_t kAround = 12;  // length, type and check sum
  Bytes summed(photo.begin(), photo.end());
  for (std::size_t at = kSignature; at + kAround <= summed.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | summed[at + i];
    if (length > summed.size() - at - kAround) break;
    const auto sum = crc32_z(0, summed.data() + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i)
      summed[at + 8 + length + i] = static_cast<Byte>(sum >> (24 - 8 * i));
    at += kAround + length;
  }
  return summed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_photo(dicom::MediaType::kPng, {data, size});
  check_photo(dicom::MediaType::kPng, with_right_sums({data, size}));
  return 0;
}
