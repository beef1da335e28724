// What parses as a DSSE envelope writes back to one form, which parses to the same.
#include "base/error.h"
#include "records/dsse.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto envelope = records::parse_envelope(as_text({data, size}));
    const std::string json = records::to_json(envelope);
    if (records::to_json(records::parse_envelope(json)) != json) __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) __builtin_trap();
  }
  return 0;
}
