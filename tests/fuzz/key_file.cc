// A key file that is understood holds a key, and is refused otherwise.
#include "client/key_file.h"

#include "base/error.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    if (client::parse_key_file(as_text({data, size})).identities.empty()) __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
