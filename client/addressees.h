// Who a delivery is for, as its sender asked, and whether a cover keeps to that.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crypto/recipient.h"
#include "records/cover.h"
#include "records/device_record.h"
#include "records/handle.h"

namespace letterbox::client {

class Addressees {
 public:
  /// From handles and age1… strings. Throws Error kUsage for anything else, and for none.
  explicit Addressees(const std::vector<std::string>& texts);

  /// Adds one device.
  void add(const crypto::X25519Recipient& device) { devices_.push_back(device); }

  /// What a sender checks before it signs a cover, or believes one that the gateway signed: every
  /// recipient is a device in `sealable` under its handle (kUntrustedKey: a ghost) and was asked
  /// for, and nobody who was asked for is left out (kCoverMismatch).
  void check(const records::Cover& cover, std::span<const records::DeviceRecord> sealable) const;

  /// Whether somebody who was named is, or has, that device.
  bool names(const records::CoverRecipient& recipient) const;

  const std::vector<records::Handle>& handles() const noexcept { return handles_; }
  const std::vector<crypto::X25519Recipient>& devices() const noexcept { return devices_; }

  /// As the gateway is asked: handles, then age1… strings.
  std::vector<std::string> texts() const;

 private:
  std::vector<records::Handle> handles_;
  std::vector<crypto::X25519Recipient> devices_;
};

}  // namespace letterbox::client
