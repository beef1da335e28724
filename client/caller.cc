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
  auto history = histories_.find(handle);
  if (history == histories_.end()) {
    const HistoryAnswer answer = parse_history_answer(
        connection_.get("/v1/devices?handle=" + query_value(handle.text())), handle);
    std::vector<records::AcceptedRecord> accepted;
    for (const auto& entry : answer.entries) {
      accepted.push_back(records::verify_accepted(entry.record, accepted.size(), entry.accepted));
      device_records_.emplace(accepted.back().hash, entry.record);
    }
    history = histories_.emplace(handle, std::move(accepted)).first;
  }

  // This device is known to itself.
  std::vector<records::DeviceRecord> known = known_.all();
  known.push_back(device_);
  std::vector<JudgedDevice> judged = judge(handle, history->second, {known, known_.revoked()},
                                           gateway_.signing_key, records::now());
  for (const auto& [device, standing] : judged) {
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
  return judged;
}

void Caller::pin(const records::Device& device) {
  known_.add(device_records_.at(device.hash));
}

TrustedKeys Caller::trusted_keys() const {
  TrustedKeys trusted{gateway_.signing_key, known_.all(), known_.revoked()};
  trusted.devices.push_back(device_);
  return trusted;
}

VerifiedChain Caller::verify_covers(const Uuid& delivery,
                                    std::span<const records::Envelope> covers) {
  meet_makers(covers);
  VerifiedChain chain = client::verify_covers(delivery, covers, trusted_keys(), seen_.of(delivery));
  saw(chain.last().signed_cover());
  return chain;
}

VerifiedDelivery Caller::verify(const UnverifiedDelivery& unverified) {
  meet_makers(unverified.covers);
  VerifiedDelivery delivery = verify_delivery(unverified, trusted_keys(), seen_.of(unverified.id));
  saw(delivery.cover().signed_cover());
  return delivery;
}

bool Caller::knows_maker(const records::Envelope& cover) const {
  const auto signed_it = [&](const records::DeviceRecord& device) {
    return device.signing_key.fingerprint() == cover.key_id;
  };
  return gateway_.signing_key.fingerprint() == cover.key_id || signed_it(device_) ||
         std::ranges::any_of(known_.all(), signed_it) ||
         std::ranges::any_of(known_.revoked(), signed_it);
}

// Believes nothing of the covers, and asks only for people of whom something is known: nobody else
// can have been introduced.
void Caller::meet_makers(std::span<const records::Envelope> covers) {
  if (std::ranges::all_of(covers, [&](const auto& cover) { return knows_maker(cover); })) return;
  std::set<records::Handle> of_interest;
  for (const records::Envelope& envelope : covers) {
    try {
      const records::Cover cover = records::parse_cover(envelope.payload);
      of_interest.insert(cover.sender);
      for (const auto& recipient : cover.recipients) of_interest.insert(recipient.handle);
    } catch (const Error& error) {
      // Whoever verifies the cover says what is wrong with it.
      if (error.code() != ErrorCode::kMalformed) throw;
    }
  }
  const auto is_known = [&](const records::Handle& handle) {
    return std::ranges::count(known_.all(), handle, &records::DeviceRecord::handle) > 0;
  };
  for (const records::Handle& handle : of_interest)
    if (is_known(handle)) meet(handle);
}

void Caller::meet(const records::Handle& handle) {
  try {
    look_up(handle);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kMalformed) throw;
  }
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
