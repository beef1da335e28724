// What every command starts from: this device's home, and how it was told to behave.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "client/home.h"
#include "client/key_file.h"
#include "client/known_devices.h"
#include "client/verified_delivery.h"

namespace letterbox::client {

struct Session {
  Home home;
  std::optional<std::string> server;  ///< instead of the connected gateway's URL
  std::optional<std::filesystem::path> passphrase_file;
  bool json = false;

  /// This device's secrets. Asks for the passphrase if need be.
  DeviceKeys keys() const { return read_key_file(home.key_file(), passphrase_file); }
  /// The gateway, the known devices, and this one.
  TrustedKeys trusted_keys() const;
};

}  // namespace letterbox::client
