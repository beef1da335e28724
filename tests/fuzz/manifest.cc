// What parses as a manifest writes back to one form, which parses to the same.
#include "records/manifest.h"

#include "base/error.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Bytes bytes = records::manifest_bytes(records::parse_manifest({data, size}));
    if (records::manifest_bytes(records::parse_manifest(bytes)) != bytes) __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
