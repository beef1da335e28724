#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/enrolment.h"
#include "client/files.h"
#include "client/new_keys.h"
#include "client/recovery_terminal.h"
#include "records/fingerprint_words.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxInvitationFile = 1024 * 1024;
// So that the wait isn't over for a sender whose clock is a little ahead of ours.
constexpr std::chrono::minutes kClockAllowance{5};

Invitation read_invitation(const std::filesystem::path& file) {
  return parse_invitation(
      read_secret_file(file == "-" ? "/dev/stdin" : file, kMaxInvitationFile).reveal_text());
}

// Keys of an earlier attempt are gone on with: whether the gateway took them may not have reached
// us.
DeviceKeys own_keys(const Session& session, const records::Handle& handle,
                    const LoginOptions& options) {
  if (session.home.has_device() && session.home.device_record().handle != handle)
    throw Error(ErrorCode::kConflict,
                "the keys in " + session.home.directory().string() + " are those of " +
                    session.home.device_record().handle.text() + "; name another --home");
  if (!std::filesystem::exists(session.home.key_file()))
    return make_keys(session.home, handle, session.passphrase_file, options.no_passphrase);
  DeviceKeys keys = session.keys();
  if (!keys.signing_key)
    throw Error(ErrorCode::kConflict, "the key file in " + session.home.directory().string() +
                                          " isn't a letterbox device's; name another --home");
  return keys;
}

std::optional<EnrolledAnswer> enrolled_already(GatewayConnection& gateway) {
  try {
    return parse_enrolled_answer(gateway.get("/v1/self"));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnauthenticated) throw;
    return std::nullopt;
  }
}

records::DeviceRecord record_of(const DeviceKeys& keys, const records::Handle& handle,
                                bool replacement) {
  const records::Time now = records::now();
  records::DeviceRecord record{handle, keys.identities.front().recipient(),
                               keys.signing_key->verify_key(), now};
  if (replacement) record.not_before = now + records::kReplacementWait + kClockAllowance;
  return record;
}

std::string what_next(const EnrolledAnswer& enrolled, const records::DeviceRecord& record) {
  const std::string confirm = "letterbox device confirm " + record.signing_key.fingerprint();
  switch (enrolled.state) {
    case records::DeviceState::kActive:
      return "Ready. Who sends you letters compares the fingerprint with you first.\n"
             "Should this be your only device, nobody can give you its letters back once it is "
             "lost: letterbox recovery make writes a key on paper.";
    case records::DeviceState::kUnvouched:
      return "It isn't confirmed yet: on a device that you have already, run " + confirm +
             " after comparing. Without one, enrol with --replace, which takes a day.";
    case records::DeviceState::kWaiting:
      return "It takes the place of your earlier devices from " +
             records::to_text(enrolled.waits_until.value_or(*record.not_before)) +
             " on. If you still have one of them, run " + confirm + " there instead of waiting.";
    case records::DeviceState::kRevoked:
      return "It was revoked, which is for good.";
  }
  return {};
}

void report(const Session& session, const records::DeviceRecord& record,
            const EnrolledAnswer& enrolled) {
  const std::string words = records::fingerprint_words(record.signing_key);
  const std::string key_file = session.home.key_file().string();
  if (session.json) {
    std::cout << json{{"handle", record.handle.text()},
                      {"key_file", key_file},
                      {"device_record", session.home.device_record_file().string()},
                      {"recipient", record.recipient.text()},
                      {"fingerprint", record.signing_key.fingerprint()},
                      {"words", words},
                      {"state", records::to_text(enrolled.state)},
                      {"waits_until", enrolled.waits_until
                                          ? json(records::to_text(*enrolled.waits_until))
                                          : json(nullptr)}}
              << '\n';
    return;
  }
  const bool is_bare = session.home.key_file() == session.home.bare_key_file();
  std::cout << "handle       " << record.handle.text() << "\nkey file     " << key_file
            << (is_bare ? "  (not sealed: whoever reads it opens your letters)" : "")
            << "\nrecipient    " << record.recipient.text() << "\nfingerprint  "
            << record.signing_key.fingerprint() << "\n             " << words << '\n'
            << what_next(enrolled, record) << '\n';
}

}  // namespace

void login(const Session& session, const LoginOptions& options) {
  if (options.replace && options.recover)
    throw Error(ErrorCode::kUsage, "--replace and --recover exclude each other");
  const Invitation invitation = read_invitation(options.file);
  trust_gateway(session, invitation.gateway, false);
  const DeviceKeys keys = own_keys(session, invitation.handle, options);
  GatewayConnection gateway(invitation.gateway, session.server, *keys.signing_key);

  std::optional<EnrolledAnswer> enrolled;
  if (session.home.has_device()) enrolled = enrolled_already(gateway);
  if (!enrolled) {
    const records::DeviceRecord record = record_of(keys, invitation.handle, options.replace);
    const records::Envelope envelope = records::sign_device_record(record, *keys.signing_key);
    session.home.remember_device(envelope);
    enrolled = enrol(gateway, invitation.token, envelope);
  }
  if (options.recover && enrolled->state != records::DeviceState::kActive) {
    const crypto::SigningKey recovery_key = ask_recovery_key().signing_key();
    GatewayConnection as_recovery_key(invitation.gateway, session.server, recovery_key);
    vouch(as_recovery_key, recovery_key,
          records::payload_hash(read_envelope(session.home.device_record_file())),
          keys.signing_key->verify_key());
    enrolled = parse_enrolled_answer(gateway.get("/v1/self"));
  }
  report(session, session.home.device_record(), *enrolled);
}

}  // namespace letterbox::client
