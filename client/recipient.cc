#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/known_devices.h"

namespace letterbox::client {
namespace {

nlohmann::json to_json(const records::DeviceRecord& device) {
  return {{"handle", device.handle.text()},
          {"recipient", device.recipient.text()},
          {"fingerprint", device.signing_key.fingerprint()},
          {"created", records::to_text(device.created)}};
}

void print(const records::DeviceRecord& device) {
  std::cout << device.handle.text() << "\n  recipient    " << device.recipient.text()
            << "\n  fingerprint  " << device.signing_key.fingerprint() << '\n';
}

}  // namespace

void recipient_add(const Session& session, const std::filesystem::path& file) {
  KnownDevices known(session.home.known());
  const records::DeviceRecord& device = known.add(read_envelope(file));
  if (session.json) {
    std::cout << to_json(device) << '\n';
    return;
  }
  print(device);
  std::cout << "Compare the fingerprint with its owner, by telephone or in person.\n";
}

void recipient_list(const Session& session) {
  const KnownDevices known(session.home.known());
  if (session.json) {
    nlohmann::json devices = nlohmann::json::array();
    for (const auto& device : known.all()) devices.push_back(to_json(device));
    std::cout << nlohmann::json{{"devices", std::move(devices)}} << '\n';
    return;
  }
  for (const auto& device : known.all()) print(device);
}

void recipient_remove(const Session& session, const std::string& who) {
  const std::size_t count = KnownDevices(session.home.known()).remove(who);
  if (count == 0) throw Error(ErrorCode::kNotFound, "no device of that name is known here");
  if (session.json)
    std::cout << nlohmann::json{{"removed", count}} << '\n';
  else
    std::cout << "removed " << count << (count == 1 ? " device\n" : " devices\n");
}

}  // namespace letterbox::client
