// What the process may do, and what it leaves behind.
#pragma once

#include <filesystem>
#include <string>

namespace letterbox::gateway {

/// No core dump, and no other process of the same user may look into this one's memory
/// (PR_SET_DUMPABLE 0, RLIMIT_CORE 0): plaintext passes through it. Must be called after
/// become_user, because changing the user sets the flag anew. Throws Error kInternal.
void forbid_dumps();

/// What rows of ciphertext are freed of stays with this process for the next ones, whichever thread
/// has them: up to twice 8 MiB. glibc otherwise gives it back to the kernel at once, which has to
/// wipe some anew for each row: about a tenth of what a download costs here. And it keeps something
/// for each thread, so that memory grows with them.
void keep_freed_memory();

/// If this process is root, becomes the account that is to own `data` for good: `user` if given,
/// else the directory's owner, else `letterbox`, else `nobody`. An absent or empty directory is
/// made, or handed over, to that account first. Does nothing for anybody else. Throws Error
/// kConfiguration or kFile.
void become_user(const std::string& user, const std::filesystem::path& data);

/// Becomes the account that become_user would, and changes nothing on disk: for looking at files
/// with the rights of a gateway that isn't started. Throws Error kConfiguration.
void drop_root(const std::string& user, const std::filesystem::path& data);

}  // namespace letterbox::gateway
