// Device records, cosignatures and revocations are read before their signatures are checked,
// because they name the key: whatever they hold, they are refused as malformed or, with this
// signature, as badly signed. The first byte says which of them it is.
#include "base/error.h"
#include "records/devices.h"

using namespace letterbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view type = records::kDeviceRecordType;
  if (data[0] == 'C') type = records::kCosignatureType;
  if (data[0] == 'R') type = records::kRevocationType;
  const records::Envelope envelope{.payload_type = std::string(type),
                                   .payload = {data + 1, data + size},
                                   .key_id = std::string(64, '0'),
                                   .signature = {}};
  try {
    records::verify_accepted(envelope, 0, records::Time());
    __builtin_trap();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed && error.code() != ErrorCode::kBadSignature) {
      __builtin_trap();
    }
  }
  return 0;
}
