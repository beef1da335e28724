// The key file: this device's secrets, as an age identity file.
//
//   # created: 2026-11-23T17:30:00Z
//   # handle: name@tenant
//   # recipient: age1…
//   # letterbox-signing-seed: <padded base64 of 32 bytes>
//   AGE-SECRET-KEY-1…
//
// age ignores comments, so `age -d -i` takes the file as it is. It lies on disk sealed with a
// passphrase (as `age -p` does it), and bare only if its owner said so.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::client {

/// What a key file holds. A file made by age-keygen has no signing key.
struct DeviceKeys {
  std::vector<crypto::X25519Identity> identities;  ///< at least one
  std::optional<crypto::SigningKey> signing_key;
};

/// The plaintext of a key file, in memory that wipes itself.
SecretBytes format_key_file(const crypto::X25519Identity& identity, const crypto::SigningKey& key,
                            const records::Handle& handle, records::Time created);

/// Throws Error kMalformed, naming the line and never its content. Identities of other types
/// (plugins, SSH keys) are malformed too.
DeviceKeys parse_key_file(std::string_view plaintext);

/// Reads one, sealed or bare. It is opened with the passphrase from `passphrase_file`; without one,
/// with what the keyring holds (client/keyring.h); and where that is nothing or not of this file,
/// the passphrase is asked for on the terminal. Throws Error kFile, kMalformed, kWrongPassphrase.
DeviceKeys read_key_file(const std::filesystem::path& path,
                         const std::optional<std::filesystem::path>& passphrase_file);

/// What opens the sealed key file at `path`, from its passphrase, which comes as above. Throws
/// Error kFile, kMalformed, kWrongPassphrase, kConflict if the file isn't sealed.
crypto::FileKey key_file_key(const std::filesystem::path& path,
                             const std::optional<std::filesystem::path>& passphrase_file);

}  // namespace letterbox::client
