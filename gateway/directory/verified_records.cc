#include "gateway/directory/verified_records.h"

#include "crypto/hash.h"
#include "records/dsse.h"

namespace letterbox::gateway {

records::AcceptedRecord VerifiedRecords::verify(const std::string& record, std::uint64_t position,
                                                records::Time accepted) {
  const Digest digest = crypto::sha256(as_bytes(record));
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(digest); found != known_.end()) {
      return {found->second.hash, found->second.record, position, accepted};
    }
  }
  records::AcceptedRecord verified =
      records::verify_accepted(records::parse_envelope(record), position, accepted);
  const std::lock_guard lock(mutex_);
  if (known_.size() >= most_) known_.clear();
  known_.emplace(digest, verified);
  return verified;
}

}  // namespace letterbox::gateway
