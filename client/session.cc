#include "client/session.h"

namespace letterbox::client {

TrustedKeys Session::trusted_keys() const {
  TrustedKeys trusted;
  if (const auto gateway = home.gateway_if_any()) trusted.gateway = gateway->signing_key;
  const KnownDevices known(home.known());
  trusted.devices = known.all();
  trusted.revoked = known.revoked();
  trusted.strangers = home.strangers();
  if (home.has_device()) trusted.devices.push_back(home.device_record());
  return trusted;
}

}  // namespace letterbox::client
