#include "client/new_keys.h"

#include "base/error.h"
#include "client/files.h"
#include "client/passphrase.h"
#include "crypto/passphrase_file.h"
#include "records/time.h"

namespace letterbox::client {
namespace {

void check_no_key_file(const Home& home) {
  if (std::filesystem::exists(home.key_file()))
    throw Error(ErrorCode::kConflict,
                home.key_file().string() + " exists already and isn't overwritten");
}

void write_sealed(const Home& home, const SecretBytes& secrets,
                  const std::optional<std::filesystem::path>& passphrase_file) {
  write_new_file(home.sealed_key_file(),
                 crypto::seal_with_passphrase(secrets, choose_passphrase(passphrase_file)));
}

}  // namespace

DeviceKeys make_keys(const Home& home, const records::Handle& handle,
                     const std::optional<std::filesystem::path>& passphrase_file, bool bare) {
  if (bare && passphrase_file)
    throw Error(ErrorCode::kUsage, "--no-passphrase and --passphrase-file exclude each other");
  check_no_key_file(home);
  const auto identity = crypto::X25519Identity::generate();
  const auto signing_key = crypto::SigningKey::generate();
  const SecretBytes secrets = format_key_file(identity, signing_key, handle, records::now());
  if (bare)
    write_new_file(home.bare_key_file(), secrets.reveal());
  else
    write_sealed(home, secrets, passphrase_file);
  return parse_key_file(secrets.reveal_text());
}

void write_keys(const Home& home, const crypto::X25519Identity& identity,
                const crypto::SigningKey& signing_key, const records::Handle& handle,
                const std::optional<std::filesystem::path>& passphrase_file) {
  check_no_key_file(home);
  write_sealed(home, format_key_file(identity, signing_key, handle, records::now()),
               passphrase_file);
}

}  // namespace letterbox::client
