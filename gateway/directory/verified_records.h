// What was found out about a record's bytes, so that its signature is verified once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "gateway/verified_once.h"
#include "records/devices.h"

namespace letterbox::gateway {

/// records::verify_accepted() that remembers by the SHA-256 of the bytes. Position and time aren't
/// in them, and not remembered. Thread-safe.
class VerifiedRecords {
 public:
  /// Once `most` records are known, it begins anew.
  explicit VerifiedRecords(std::size_t most) : known_(most) {}

  /// `record` is an envelope's JSON. Throws Error kMalformed or kBadSignature, and remembers
  /// nothing then.
  records::AcceptedRecord verify(const std::string& record, std::uint64_t position,
                                 records::Time accepted);

 private:
  VerifiedOnce<records::AcceptedRecord> known_;
};

}  // namespace letterbox::gateway
