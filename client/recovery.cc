#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/enrolment.h"
#include "client/files.h"
#include "client/invite.h"
#include "client/new_keys.h"
#include "client/recovery_terminal.h"
#include "records/fingerprint_words.h"

namespace letterbox::client {
namespace {

void enrol_on_paper(Caller& us, const crypto::RecoveryKey& key) {
  const crypto::SigningKey signing_key = key.signing_key();
  const records::Envelope record = records::sign_device_record(
      {us.device().handle, key.identity().recipient(), signing_key.verify_key(), records::now()},
      signing_key);
  const SecretBytes invitation = make_invitation(us, us.device().handle);
  GatewayConnection as_recovery_key(us.trusted_gateway(), us.session().server, signing_key);
  enrol(as_recovery_key, invitation, record);
  vouch(us.gateway(), us.signing_key(), records::payload_hash(record), signing_key.verify_key());
  KnownDevices(us.session().home.known()).add(record);
}

// The record that the recovery key made of itself, as the directory keeps it.
records::Envelope own_record(GatewayConnection& gateway, const crypto::RecoveryKey& key) {
  const records::Handle handle = parse_own_handle(gateway.get("/v1/self"));
  const HistoryAnswer history =
      parse_history_answer(gateway.get("/v1/devices?handle=" + query_value(handle.text())), handle);
  const auto verify_key = key.signing_key().verify_key();
  for (const auto& entry : history.entries) {
    if (entry.record.payload_type != records::kDeviceRecordType ||
        entry.record.key_id != verify_key.fingerprint())
      continue;
    const records::DeviceRecord record = records::verify_device_record(entry.record);
    if (record.signing_key == verify_key && record.recipient == key.identity().recipient() &&
        record.handle == handle)
      return entry.record;
  }
  throw Error(ErrorCode::kNotFound, "the gateway's directory doesn't list this recovery key");
}

void report(const Session& session, const records::DeviceRecord& device, const char* next) {
  if (session.json) {
    std::cout << nlohmann::json{{"handle", device.handle.text()},
                                {"fingerprint", device.signing_key.fingerprint()},
                                {"words", records::fingerprint_words(device.signing_key)},
                                {"recipient", device.recipient.text()}}
              << '\n';
    return;
  }
  std::cout << "handle       " << device.handle.text() << "\nfingerprint  "
            << device.signing_key.fingerprint() << "\n             "
            << records::fingerprint_words(device.signing_key) << '\n'
            << next << '\n';
}

}  // namespace

void recovery_make(const Session& session) {
  Caller us(session);
  us.check_active();
  const crypto::RecoveryKey key = crypto::RecoveryKey::generate();
  put_on_paper(key);
  try {
    enrol_on_paper(us, key);
  } catch (const Error& error) {
    throw Error(error.code(), std::string(error.what()) +
                                  "; so this recovery key doesn't count: destroy the paper");
  }
  report(session,
         {us.device().handle, key.identity().recipient(), key.signing_key().verify_key(),
          records::now()},
         "It is a device of yours from now on, and letters are sealed for it, too. Write the first "
         "word on the paper, to find it again in letterbox device list.");
}

void recovery_restore(const Session& session, const std::filesystem::path& trust_file) {
  if (session.home.has_device() || std::filesystem::exists(session.home.key_file()))
    throw Error(ErrorCode::kConflict, "there is a device in " + session.home.directory().string() +
                                          " already; name another --home");
  const Gateway gateway = read_gateway(trust_file);
  trust_gateway(session, gateway, false);
  const crypto::RecoveryKey key = ask_recovery_key();
  const crypto::SigningKey signing_key = key.signing_key();
  GatewayConnection connection(gateway, session.server, signing_key);
  const records::Envelope envelope = own_record(connection, key);
  const records::DeviceRecord record = records::verify_device_record(envelope);

  write_keys(session.home, key.identity(), signing_key, record.handle, session.passphrase_file);
  session.home.remember_device(envelope);
  report(session, record,
         "This home is the recovery key's: letterbox list and get fetch what was sealed for it. "
         "Then make a new one: this one has been typed into a computer.");
}

}  // namespace letterbox::client
