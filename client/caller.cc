#include "client/caller.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string_view>

#include "base/error.h"
#include "client/answers.h"
#include "client/terminal.h"
#include "records/cover.h"
#include "records/fingerprint_words.h"

namespace letterbox::client {
namespace {

DeviceKeys keys_of(const Session& session, const records::DeviceRecord& device) {
  DeviceKeys keys = session.keys();
  if (!keys.signing_key || keys.signing_key->verify_key() != device.signing_key)
    throw Error(ErrorCode::kConfiguration, "the key file and the device record in " +
                                               session.home.directory().string() +
                                               " don't belong together");
  return keys;
}

// What its user must know of the strangers who changed the recipients of a delivery.
std::vector<std::string> notices_of(const VerifiedChain& chain,
                                    const std::vector<records::CoverRecipient>& unvouched) {
  std::vector<std::string> notices;
  const std::string of = "of the recipients of " + chain.first().cover().delivery.text();
  for (const VerifiedCover& cover : chain.all()) {
    if (!cover.maker_is_stranger()) continue;
    const std::string who = cover.maker_handle()->text();
    notices.push_back("version " + std::to_string(cover.cover().version) + " " + of +
                      " was made by a device of " + who + " that isn't known here, " +
                      fingerprint_text(cover.maker()) + "; if you know " + who +
                      ", run letterbox trust " + who + " and compare");
  }
  std::set<std::string> added;
  for (const auto& recipient : unvouched) added.insert(recipient.handle.text());
  if (!added.empty())
    notices.push_back("nobody who is known here answers for some " + of + ": " +
                      joined({added.begin(), added.end()}) +
                      "; nothing is sealed anew for them here unless you name them");
  return notices;
}

}  // namespace

std::string fingerprint_text(const crypto::VerifyKey& key) {
  return "fingerprint " + key.fingerprint() + " (" + records::fingerprint_words(key) + ")";
}

bool is_fingerprint(std::string_view text, const crypto::VerifyKey& key) {
  return text == key.fingerprint() || text == records::fingerprint_words(key);
}

Caller::Caller(const Session& session)
    : session_(session),
      device_(session.home.device_record()),
      gateway_(session.home.gateway()),
      known_(session.home.known()),
      strangers_(session.home.strangers()),
      seen_(session.home.seen()),
      keys_(keys_of(session, device_)),
      connection_(gateway_, session.server, signing_key()) {
  tell_of_own_devices();
}

std::unique_ptr<GatewayConnection> Caller::another_connection() const {
  return std::make_unique<GatewayConnection>(gateway_, session_.server, signing_key());
}

void Caller::check_active() const {
  const auto state = in_directory_ ? in_directory_->state : records::DeviceState::kUnvouched;
  const std::string fingerprint = device_.signing_key.fingerprint();
  switch (state) {
    case records::DeviceState::kActive:
      return;
    case records::DeviceState::kUnvouched:
      throw Error(ErrorCode::kNotAllowed,
                  "this device isn't confirmed yet; on a device that you have already, run "
                  "letterbox device confirm " +
                      fingerprint);
    case records::DeviceState::kWaiting:
      throw Error(ErrorCode::kNotAllowed,
                  "this device takes the place of your earlier ones only from " +
                      records::to_text(*in_directory_->waits_until) +
                      " on; if you still have one of these, run letterbox device confirm " +
                      fingerprint + " there");
    case records::DeviceState::kRevoked:
      throw Error(ErrorCode::kNotAllowed,
                  "this device was revoked, which is for good; enrol again with an invitation and "
                  "another --home");
  }
}

std::vector<JudgedDevice> Caller::look_up(const records::Handle& handle) {
  const auto history = histories_.find(handle);
  if (history != histories_.end()) return judged(handle, history->second);
  return judged(handle,
                take(parse_history_answer(
                    connection_.get("/v1/devices?handle=" + query_value(handle.text())), handle)));
}

const std::vector<records::AcceptedRecord>& Caller::take(const HistoryAnswer& answer) {
  std::vector<records::AcceptedRecord> accepted;
  for (const auto& entry : answer.entries) {
    accepted.push_back(records::verify_accepted(entry.record, accepted.size(), entry.accepted));
    device_records_.emplace(accepted.back().hash, entry.record);
  }
  return histories_.emplace(answer.handle, std::move(accepted)).first->second;
}

std::vector<JudgedDevice> Caller::judged(const records::Handle& handle,
                                         const std::vector<records::AcceptedRecord>& history) {
  // This device is known to itself.
  std::vector<records::DeviceRecord> known = known_.all();
  known.push_back(device_);
  std::vector<JudgedDevice> devices =
      judge(handle, history, {known, known_.revoked()}, gateway_.signing_key, records::now());
  for (const auto& [device, standing] : devices) {
    const std::string what = handle.text() + ", " + fingerprint_text(device.record.signing_key);
    if (standing == Standing::kIntroduced) {
      pin(device);
      notice("a further device of " + what + ", vouched for by one that was known here, is known " +
                 "from now on",
             session_.json);
    } else if (standing == Standing::kRevoked && known_.retire(device.record.recipient)) {
      notice("a device of " + what + ", was revoked: nothing is sealed for it any more",
             session_.json);
    }
  }
  return devices;
}

void Caller::pin(const records::Device& device) {
  known_.add(device_records_.at(device.hash));
}

TrustedKeys Caller::trusted_keys() const {
  TrustedKeys trusted{gateway_.signing_key, known_.all(), known_.revoked(), strangers_};
  trusted.devices.push_back(device_);
  return trusted;
}

VerifiedChain Caller::verify_covers(const Uuid& delivery,
                                    std::span<const records::Envelope> covers) {
  meet_makers(covers);
  VerifiedChain chain = client::verify_covers(delivery, covers, trusted_keys(), seen_.of(delivery));
  read(chain);
  return chain;
}

VerifiedDelivery Caller::verify(const UnverifiedDelivery& unverified) {
  meet_makers(unverified.covers);
  VerifiedDelivery delivery = verify_delivery(unverified, trusted_keys(), seen_.of(unverified.id));
  read(delivery.chain);
  return delivery;
}

// What strangers alone made isn't remembered as seen: a gateway that lies for an hour could make a
// version up, and this device would refuse the true ones for good.
void Caller::read(const VerifiedChain& chain) {
  saw(chain.vouched().signed_cover());
  if (!told_of_.insert(chain.first().cover().delivery).second) return;
  for (const std::string& text : notices_of(chain, unvouched(chain))) notice(text, session_.json);
}

std::vector<records::CoverRecipient> Caller::unvouched(const VerifiedChain& chain) const {
  std::vector<records::CoverRecipient> recipients = chain.unvouched();
  std::erase_if(recipients, [&](const records::CoverRecipient& recipient) {
    if (recipient.recipient == device_.recipient) return true;
    const records::DeviceRecord* const known = known_.find(recipient.recipient);
    return known != nullptr && known->handle == device_.handle;
  });
  return recipients;
}

bool Caller::knows_maker(const records::Envelope& cover) const {
  const auto signed_it = [&](const records::DeviceRecord& device) {
    return device.signing_key.fingerprint() == cover.key_id;
  };
  return gateway_.signing_key.fingerprint() == cover.key_id || signed_it(device_) ||
         std::ranges::any_of(known_.all(), signed_it) ||
         std::ranges::any_of(known_.revoked(), signed_it) ||
         std::ranges::any_of(strangers_, signed_it);
}

// Believes nothing of the covers. Whoever isn't known may have been introduced by one who is; who
// wasn't is a stranger, whose say is no more than VerifiedChain lets it be.
void Caller::meet_makers(std::span<const records::Envelope> covers) {
  for (const records::Envelope& cover : covers)
    if (!knows_maker(cover)) meet(cover.key_id);
}

void Caller::meet(const std::string& key_id) try {
  const HistoryAnswer answer = parse_history_answer(connection_.get("/v1/devices?key=" + key_id));
  if (!histories_.contains(answer.handle)) take(answer);
  for (const auto& [device, standing] : look_up(answer.handle)) {
    // A gateway takes nothing from devices that aren't their owners' yet.
    const bool had_a_say = standing == Standing::kStranger || standing == Standing::kRevoked;
    if (device.record.signing_key.fingerprint() != key_id || !had_a_say) continue;
    strangers_.push_back(device.record);
    session_.home.remember_stranger(device_records_.at(device.hash));
  }
} catch (const Error& error) {
  // Whoever verifies the covers says what is missing.
  if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kMalformed) throw;
}

void Caller::tell_of_own_devices() {
  const auto tell = [this](std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts) text += part;
    notice(text, session_.json);
  };
  for (const auto& [device, standing] : look_up(device_.handle)) {
    if (same_device(device.record, device_)) {
      if (!in_directory_) in_directory_ = device;
      continue;
    }
    const std::string fingerprint = device.record.signing_key.fingerprint();
    const std::string name = fingerprint_text(device.record.signing_key);
    const std::string veto = "if that isn't yours, run letterbox device revoke " + fingerprint;
    switch (standing) {
      case Standing::kWaiting:
        tell({"a new device is going to be yours from ", records::to_text(*device.waits_until),
              " on, ", name, "; ", veto});
        break;
      case Standing::kUnvouched:
        tell({"a new device says that it is yours, ", name,
              "; if it shows the same, run letterbox device confirm ", fingerprint, "; ", veto});
        break;
      case Standing::kStranger:
        tell({"a device is yours that this one doesn't know, ", name,
              "; if it shows the same, run letterbox trust ", device_.handle.text(), "; ", veto});
        break;
      case Standing::kIntroduced:
        tell({veto});
        break;
      case Standing::kPinned:
      case Standing::kRevoked:
        break;
    }
  }
}

}  // namespace letterbox::client
