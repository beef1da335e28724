#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/passphrase.h"
#include "crypto/passphrase_file.h"

namespace letterbox::client {

void keygen(const Session& session, const KeygenOptions& options) {
  const auto handle = records::Handle::parse(options.handle);
  if (!handle) throw Error(ErrorCode::kUsage, "--handle must be of the form name@tenant");
  if (options.no_passphrase && session.passphrase_file)
    throw Error(ErrorCode::kUsage, "--no-passphrase and --passphrase-file exclude each other");
  const auto key_file =
      options.no_passphrase ? session.home.bare_key_file() : session.home.sealed_key_file();
  const auto record_file = session.home.device_record_file();
  for (const auto& path : {session.home.key_file(), record_file}) {
    if (std::filesystem::exists(path))
      throw Error(ErrorCode::kConflict,
                  path.string() + " exists already and isn't overwritten; name another --home");
  }

  const auto identity = crypto::X25519Identity::generate();
  const auto signing_key = crypto::SigningKey::generate();
  const records::DeviceRecord record{*handle, identity.recipient(), signing_key.verify_key(),
                                     records::now()};
  const SecretBytes secrets = format_key_file(identity, signing_key, *handle, record.created);
  if (options.no_passphrase)
    write_new_file(key_file, secrets.reveal());
  else
    write_new_file(key_file, crypto::seal_with_passphrase(
                                 secrets, choose_passphrase(session.passphrase_file)));
  const std::string text =
      records::to_json(records::sign_device_record(record, signing_key)) + "\n";
  write_new_file(record_file, as_bytes(text));

  const std::string fingerprint = signing_key.verify_key().fingerprint();
  if (session.json) {
    std::cout << nlohmann::json{{"handle", handle->text()},
                                {"key_file", key_file.string()},
                                {"device_record", record_file.string()},
                                {"recipient", record.recipient.text()},
                                {"fingerprint", fingerprint}}
              << '\n';
    return;
  }
  std::cout << "key file       " << key_file.string()
            << (options.no_passphrase ? "  (not sealed: whoever reads it opens your letters)" : "")
            << "\ndevice record  " << record_file.string() << "\nrecipient      "
            << record.recipient.text() << "\nfingerprint    " << fingerprint
            << "\nGive the device record to the gateway's operator and to who sends you letters.\n";
}

}  // namespace letterbox::client
