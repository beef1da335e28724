// The devices that this device knows: pinned by its owner or vouched for by one that was
// (client/judgement.h), and the only ones it seals for or believes. Its owner's other devices are
// among them.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "crypto/recipient.h"
#include "records/device_record.h"

namespace letterbox::client {

class KnownDevices {
 public:
  /// Reads `directory` and checks each record's self-signature. Throws Error kFile, kMalformed or
  /// kBadSignature, naming the file.
  explicit KnownDevices(std::filesystem::path directory);

  const std::vector<records::DeviceRecord>& all() const noexcept { return devices_; }
  /// Null if none.
  const records::DeviceRecord* find(const crypto::X25519Recipient& recipient) const;

  /// Pins a device. Its record must verify (kBadSignature). Adding what is there already does
  /// nothing; a known age key under another handle or signing key is refused, and one that was seen
  /// revoked (kConflict).
  const records::DeviceRecord& add(const records::Envelope& envelope);
  /// Forgets the devices of a handle, or the one with this age1… string; how many there were. Of
  /// those seen revoked it forgets none.
  std::size_t remove(std::string_view who);

  /// Devices that were known until they were seen revoked: what they signed before can be read, and
  /// nothing is sealed for them.
  const std::vector<records::DeviceRecord>& revoked() const noexcept { return revoked_; }
  /// Moves a known device there; whether it was known.
  bool retire(const crypto::X25519Recipient& recipient);

 private:
  std::filesystem::path directory_;
  std::vector<records::DeviceRecord> devices_;
  std::vector<records::DeviceRecord> revoked_;
};

}  // namespace letterbox::client
