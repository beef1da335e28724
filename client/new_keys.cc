#include "client/new_keys.h"

#include "base/error.h"
#include "client/files.h"
#include "client/passphrase.h"
#include "crypto/passphrase_file.h"
#include "records/time.h"

namespace letterbox::client {

DeviceKeys make_keys(const Home& home, const records::Handle& handle,
                     const std::optional<std::filesystem::path>& passphrase_file, bool bare) {
  if (bare && passphrase_file)
    throw Error(ErrorCode::kUsage, "--no-passphrase and --passphrase-file exclude each other");
  if (std::filesystem::exists(home.key_file()))
    throw Error(ErrorCode::kConflict,
                home.key_file().string() + " exists already and isn't overwritten");
  const auto identity = crypto::X25519Identity::generate();
  const auto signing_key = crypto::SigningKey::generate();
  const SecretBytes secrets = format_key_file(identity, signing_key, handle, records::now());
  if (bare)
    write_new_file(home.bare_key_file(), secrets.reveal());
  else
    write_new_file(home.sealed_key_file(),
                   crypto::seal_with_passphrase(secrets, choose_passphrase(passphrase_file)));
  return parse_key_file(secrets.reveal_text());
}

}  // namespace letterbox::client
