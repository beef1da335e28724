#pragma once

#include <filesystem>
#include <optional>

#include "client/home.h"
#include "client/key_file.h"
#include "records/handle.h"

namespace letterbox::client {

/// Makes a device's keys and writes its key file: sealed with a passphrase, from `passphrase_file`
/// or asked for twice, unless it is to be `bare`. Never overwrites. Throws Error kConflict, kUsage,
/// kFile; then nothing was written.
DeviceKeys make_keys(const Home& home, const records::Handle& handle,
                     const std::optional<std::filesystem::path>& passphrase_file, bool bare);

/// Writes the key file of keys that are there, sealed likewise. Throws the same.
void write_keys(const Home& home, const crypto::X25519Identity& identity,
                const crypto::SigningKey& signing_key, const records::Handle& handle,
                const std::optional<std::filesystem::path>& passphrase_file);

}  // namespace letterbox::client
