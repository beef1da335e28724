// Passphrases, from the terminal or a file; never from the command line or the environment, which
// other processes can read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/secret.h"

namespace letterbox::client {

/// The first line of `file` if there is one, else asked for on the terminal without echo. Throws
/// Error kFile (no terminal; unreadable) or kUsage (empty, too long).
SecretBytes read_passphrase(const std::optional<std::filesystem::path>& file,
                            const std::string& prompt);

/// The same for a new one: asked for twice on the terminal. Throws Error kUsage if they differ.
SecretBytes choose_passphrase(const std::optional<std::filesystem::path>& file);

}  // namespace letterbox::client
