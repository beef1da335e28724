// What was found out about a record's bytes, so that its signature is verified once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "records/devices.h"

namespace letterbox::gateway {

/// records::verify_accepted() that remembers by the SHA-256 of the bytes. The outcome follows from
/// them alone, so whoever alters a record in the database has it verified anew, and nothing of what
/// is remembered has to be taken back. Position and time aren't in the bytes, and not remembered.
/// Thread-safe.
class VerifiedRecords {
 public:
  /// Once `most` records are known, it begins anew.
  explicit VerifiedRecords(std::size_t most) : most_(most) {}

  /// `record` is an envelope's JSON. Throws Error kMalformed or kBadSignature, and remembers
  /// nothing then.
  records::AcceptedRecord verify(const std::string& record, std::uint64_t position,
                                 records::Time accepted);

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::map<Digest, records::AcceptedRecord> known_;
};

}  // namespace letterbox::gateway
