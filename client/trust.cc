#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/held.h"
#include "client/qr_code.h"
#include "client/terminal.h"
#include "records/fingerprint_words.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

const char* how_it_came(const records::Device& device) {
  switch (device.entrance) {
    case records::Entrance::kFirst:
      return "their first device, by an invitation";
    case records::Entrance::kReplacement:
      return "in place of all their earlier devices, after a day's wait and by nobody's word: ask "
             "them why";
    case records::Entrance::kCosigned:
      return "confirmed by a device that isn't known here";
    case records::Entrance::kNone:
      break;
  }
  return "not confirmed";
}

// Whether our user says that the fingerprint is the one that its owner reads out.
bool is_confirmed(const records::Device& device, const TrustOptions& options) {
  const crypto::VerifyKey& key = device.record.signing_key;
  if (!options.fingerprints.empty())
    return std::ranges::any_of(options.fingerprints,
                               [&](const auto& text) { return is_fingerprint(text, key); });
  return confirmed(device.record.handle.text() + " has a device that isn't known here: " +
                       how_it_came(device) + ".\n\n" + qr_code(key.fingerprint()) + "\n  " +
                       key.fingerprint() + "\n  " + records::fingerprint_words(key) +
                       "\n\nIs that what its owner reads out to you, by telephone or in person? "
                       "[y/N]: ",
                   "compare the fingerprint and say --fingerprint");
}

}  // namespace

void trust(const Session& session, const TrustOptions& options) {
  const auto handle = records::Handle::parse(options.handle);
  if (!handle) throw Error(ErrorCode::kUsage, "that isn't a handle (name@tenant)");
  Caller us(session);
  us.check_active();

  // One that was confirmed may introduce others, which then need no question.
  std::vector<JudgedDevice> judged = us.look_up(*handle);
  const auto next_stranger = [&] {
    return std::ranges::find_if(judged, [&](const JudgedDevice& one) {
      return one.standing == Standing::kStranger &&
             (options.fingerprints.empty() || is_confirmed(one.device, options));
    });
  };
  for (auto one = next_stranger(); one != judged.end(); one = next_stranger()) {
    if (!is_confirmed(one->device, options)) break;
    us.pin(one->device);
    judged = us.look_up(*handle);
  }

  json devices = json::array();
  bool any = false;
  for (const auto& [device, standing] : judged) {
    if (standing == Standing::kStranger)
      throw Error(ErrorCode::kUntrustedKey,
                  "not confirmed, so nothing is sealed for " + handle->text() + ": " +
                      fingerprint_text(device.record.signing_key) +
                      "; if its owner doesn't know that device, tell the gateway's operator");
    if (standing != Standing::kPinned && standing != Standing::kIntroduced) continue;
    any = true;
    devices.push_back({{"fingerprint", device.record.signing_key.fingerprint()},
                       {"recipient", device.record.recipient.text()}});
    if (!session.json)
      std::cout << "known: " << handle->text() << ", "
                << fingerprint_text(device.record.signing_key) << '\n';
  }
  if (!any)
    throw Error(ErrorCode::kNotFound, handle->text() + " has no active device at the gateway");
  json sent_on = json::array();
  for (const Uuid& delivery : send_on(us, *handle)) {
    sent_on.push_back(delivery.text());
    if (!session.json) std::cout << "sent on: delivery " << delivery.text() << '\n';
  }
  if (session.json)
    std::cout << json{{"handle", handle->text()},
                      {"devices", std::move(devices)},
                      {"sent_on", std::move(sent_on)}}
              << '\n';
}

}  // namespace letterbox::client
