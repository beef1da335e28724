// What parses as an index writes back to one form, which parses to the same.
#include "records/index.h"

#include "base/error.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const records::Index index = records::parse_index({data, size});
    const Bytes bytes = records::index_bytes(index);
    if (records::index_bytes(records::parse_index(bytes)) != bytes) __builtin_trap();
  } catch (const Error& error) {
    const ErrorCode code = error.code();
    // Written anew it may grow past the limit: a number's form, an escape.
    if (code != ErrorCode::kMalformed && code != ErrorCode::kTooLarge) __builtin_trap();
  }
  return 0;
}
