// The agent: the Linux kernel's keyring keeps, for a time, what opens a key file, so that commands
// don't ask for the passphrase each time.
//
// It holds the *file key* of the sealed key file: 16 bytes that open that one file and no other.
// The passphrase isn't in it (people use one twice), nor are the device's keys. No process of ours
// has to run, and the kernel forgets by itself when the time is over or the machine stops. It
// doesn't write keys to swap.
//
// Whoever runs programs as this user, or as root, can ask the kernel as we do; so this is against
// who finds the device unlocked later, takes its disk or a backup, not against malware that runs
// under the user's name while the key file is unlocked (docs/recovery.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include "crypto/recipient.h"

namespace letterbox::client {

/// Keeps what opens the key file at `path` in this user's keyring for `time` (at least a second),
/// in place of what was kept for this path before. Throws Error kConfiguration where the kernel
/// refuses: then nothing is kept, and what was before stays.
void keep_unlocked(const std::filesystem::path& path, const crypto::FileKey& file_key,
                   std::chrono::seconds time);

/// What is kept for `path`. Nothing if that is nothing, its time is over, or the kernel refuses:
/// the caller then asks for the passphrase, as without an agent.
std::optional<crypto::FileKey> unlocked_file_key(const std::filesystem::path& path);

/// Forgets it now; whether there was one. Throws Error kConfiguration where the kernel holds it and
/// refuses.
bool forget_unlocked(const std::filesystem::path& path);

}  // namespace letterbox::client
