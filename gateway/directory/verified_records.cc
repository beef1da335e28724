#include "gateway/directory/verified_records.h"

#include "crypto/hash.h"
#include "records/dsse.h"

namespace letterbox::gateway {

records::AcceptedRecord VerifiedRecords::verify(const std::string& record, std::uint64_t position,
                                                records::Time accepted) {
  const records::AcceptedRecord known = known_.get(crypto::sha256(as_bytes(record)), [&] {
    return records::verify_accepted(records::parse_envelope(record), position, accepted);
  });
  return {known.hash, known.record, position, accepted};
}

}  // namespace letterbox::gateway
