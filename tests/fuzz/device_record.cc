// A device record is read before its signature is checked, because it names the key: whatever it
// holds, it is refused as malformed or, with this signature, as badly signed.
#include "records/device_record.h"

#include "base/error.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const records::Envelope envelope{.payload_type = std::string(records::kDeviceRecordType),
                                   .payload = {data, data + size},
                                   .key_id = std::string(64, '0'),
                                   .signature = {}};
  try {
    records::verify_device_record(envelope);
    __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed && error.code() != ErrorCode::kBadSignature) {
      __builtin_trap();
    }
  }
  return 0;
}
