// This user's own devices.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/enrolment.h"
#include "client/invite.h"
#include "records/fingerprint_words.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

const char* to_text(Standing standing) {
  switch (standing) {
    case Standing::kPinned:
    case Standing::kIntroduced:
      return "active";
    case Standing::kStranger:
      return "active, not known here";
    case Standing::kWaiting:
      return "waiting";
    case Standing::kUnvouched:
      return "not confirmed";
    case Standing::kRevoked:
      return "revoked";
  }
  return "";
}

JudgedDevice find(Caller& us, const std::string& which) {
  for (const JudgedDevice& judged : us.look_up(us.device().handle))
    if (is_fingerprint(which, judged.device.record.signing_key)) return judged;
  throw Error(ErrorCode::kNotFound,
              "you have no device of that fingerprint; letterbox device list "
              "shows those that you have");
}

void report(const Session& session, const records::DeviceRecord& device, const char* became) {
  if (session.json)
    std::cout << json{{"fingerprint", device.signing_key.fingerprint()}, {"state", became}} << '\n';
  else
    std::cout << became << ": " << fingerprint_text(device.signing_key) << '\n';
}

}  // namespace

void device_list(const Session& session) {
  Caller us(session);
  json devices = json::array();
  for (const auto& [device, standing] : us.look_up(us.device().handle)) {
    const records::DeviceRecord& record = device.record;
    const bool is_this = same_device(record, us.device());
    if (session.json) {
      devices.push_back(
          {{"fingerprint", record.signing_key.fingerprint()},
           {"words", records::fingerprint_words(record.signing_key)},
           {"recipient", record.recipient.text()},
           {"created", records::to_text(record.created)},
           {"state", to_text(standing)},
           {"waits_until",
            device.waits_until ? json(records::to_text(*device.waits_until)) : json()},
           {"this", is_this}});
      continue;
    }
    std::cout << record.signing_key.fingerprint() << "\n  "
              << records::fingerprint_words(record.signing_key) << "\n  " << to_text(standing);
    if (device.waits_until) std::cout << " until " << records::to_text(*device.waits_until);
    std::cout << (is_this ? ", this device" : "") << ", made " << records::to_text(record.created)
              << '\n';
  }
  if (session.json) std::cout << json{{"devices", std::move(devices)}} << '\n';
}

void device_invite(const Session& session, const std::optional<std::filesystem::path>& output) {
  check_invitation_output(output);
  Caller us(session);
  us.check_active();
  invite(us, us.device().handle, output);
  if (!session.json)
    std::cout << "On the other device, within an hour: letterbox login with that. Then compare the "
                 "fingerprint that it shows, and run letterbox device confirm here.\n";
}

void device_confirm(const Session& session, const std::string& which) {
  Caller us(session);
  us.check_active();
  const auto [device, standing] = find(us, which);
  switch (standing) {
    case Standing::kUnvouched:
    case Standing::kWaiting:
      break;
    case Standing::kRevoked:
      throw Error(ErrorCode::kConflict, "that device was revoked, which is for good");
    case Standing::kStranger:
      throw Error(ErrorCode::kConflict,
                  "that device is active without this one's word; letterbox "
                  "trust makes it known here");
    case Standing::kPinned:
    case Standing::kIntroduced:
      throw Error(ErrorCode::kConflict, "that device is active already");
  }
  vouch(us.gateway(), us.signing_key(), device.hash, device.record.signing_key);
  us.pin(device);
  report(session, device.record, "confirmed");
}

void device_revoke(const Session& session, const std::string& which) {
  Caller us(session);
  const auto [device, standing] = find(us, which);
  if (standing == Standing::kRevoked)
    throw Error(ErrorCode::kConflict, "that device is revoked already");
  revoke(us.gateway(), us.signing_key(), device.hash, device.record.signing_key);
  us.retire(device);
  report(session, device.record, "revoked");
}

}  // namespace letterbox::client
