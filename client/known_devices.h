// The devices of other people that this device knows: pinned by its owner, and the only ones it
// seals for or believes.
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
  /// nothing; a known age key under another handle or signing key is refused (kConflict).
  const records::DeviceRecord& add(const records::Envelope& envelope);
  /// Forgets the devices of a handle, or the one with this age1… string; how many there were.
  std::size_t remove(std::string_view who);

 private:
  std::filesystem::path directory_;
  std::vector<records::DeviceRecord> devices_;
};

}  // namespace letterbox::client
