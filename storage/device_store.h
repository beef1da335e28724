// The directory of recipients: device records as they were signed.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace letterbox::storage {

struct Device {
  std::string handle;
  std::string recipient;    ///< age1…
  std::string signing_key;  ///< base64 of the Ed25519 key
  std::string record;       ///< the DSSE envelope's JSON, kept verbatim
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class DeviceStore {
 public:
  virtual ~DeviceStore() = default;

  /// Throws Error kConflict if a device with this recipient or signing key is there already.
  virtual void add(const Device& device) = 0;
  /// By handle then recipient; of one handle if given.
  virtual std::vector<Device> list(const std::optional<std::string>& handle = std::nullopt) = 0;
  virtual std::optional<Device> find_recipient(const std::string& recipient) = 0;
  /// False if there was none.
  virtual bool remove(const std::string& recipient) = 0;
};

}  // namespace letterbox::storage
