// What parses as a cover writes back to one form, which parses to the same.
#include "records/cover.h"

#include "base/error.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Bytes bytes = records::cover_bytes(records::parse_cover({data, size}));
    if (records::cover_bytes(records::parse_cover(bytes)) != bytes) __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
