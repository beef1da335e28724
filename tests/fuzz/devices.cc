// Whatever devices say of each other, in whatever order: the rules hold. Each three bytes are one
// record: who says it, of whom, and what and when. (Made without signatures: the rules come after
// those.)
#include "records/devices.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"

using namespace letterbox;
using namespace letterbox::records;

namespace {

constexpr Byte kDevices = 8;

Digest hash_of(Byte device) {
  return crypto::sha256(std::array{device});
}

// The last two share an age key, and the first and last a signing key.
DeviceRecord record_of(Byte device) {
  std::array<Byte, 32> age_key{};
  age_key[0] = static_cast<Byte>(std::min<Byte>(device, kDevices - 2) + 9);
  std::array<Byte, 32> signing_key{};
  signing_key[0] = static_cast<Byte>(device % (kDevices - 1));
  DeviceRecord record{.handle = *Handle::parse("ada@clinic.example"),
                      .recipient = crypto::X25519Recipient(age_key),
                      .signing_key = crypto::VerifyKey(signing_key),
                      .created = Time()};
  if (device % 2 == 1) record.not_before = Time(std::chrono::hours(device * 20));
  return record;
}

AcceptedRecord accepted(const std::uint8_t* three, std::uint64_t position) {
  const auto who = static_cast<Byte>(three[0] % kDevices);
  const auto whom = static_cast<Byte>(three[1] % kDevices);
  // What isn't a device record has a wrong hash here. It would only settle equal positions, and
  // there are none.
  AcceptedRecord result{.hash = hash_of(who),
                        .record = record_of(who),
                        .position = position,
                        .accepted = Time(std::chrono::hours(three[2] / 4))};
  const crypto::VerifyKey key = record_of(who).signing_key;
  if (three[2] % 4 == 1) result.record = Cosignature{hash_of(whom), key, Time()};
  if (three[2] % 4 == 2) result.record = Revocation{hash_of(whom), RevokedBy::kDevice, key, Time()};
  if (three[2] % 4 == 3)
    result.record = Revocation{hash_of(whom), RevokedBy::kGateway, key, Time()};
  return result;
}

std::pair<Digest, DeviceState> state_of(const Device& device) {
  return {device.hash, device.state};
}

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const crypto::VerifyKey gateway = record_of(2).signing_key;
  const Handle ada = *Handle::parse("ada@clinic.example");
  const Time at(std::chrono::hours(200));
  std::vector<AcceptedRecord> records;
  std::vector<Device> before;
  for (std::size_t i = 0; i + 3 <= std::min<std::size_t>(size, 96); i += 3) {
    records.push_back(accepted(data + i, i));
    const std::vector<Device> devices = devices_of(ada, records, gateway, at);
    for (const Device& device : devices) {
      const auto was = std::ranges::find(before, device.hash, &Device::hash);
      if (was != before.end() && was->state == DeviceState::kRevoked) {
        require(device.state == DeviceState::kRevoked);
      }
      require((device.state == DeviceState::kRevoked) == device.revoked.has_value());
      require((device.state == DeviceState::kWaiting) == device.waits_until.has_value());
      require((device.entrance == Entrance::kCosigned) == device.voucher.has_value());
      if (device.state == DeviceState::kActive) require(device.entrance != Entrance::kNone);
    }
    std::ranges::reverse(records);
    const std::vector<Device> again = devices_of(ada, records, gateway, at);
    std::ranges::reverse(records);
    require(std::ranges::equal(again, devices, {}, state_of, state_of));
    before = devices;
  }
  return 0;
}
