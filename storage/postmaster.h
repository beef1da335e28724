// One PostgreSQL server process: started, asked for its state, stopped.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace letterbox::storage {

/// What a server says of itself in its data directory's postmaster.pid.
struct PostmasterState {
  pid_t pid;
  bool ready;  ///< takes connections
};

/// The server that runs on this data directory, if one does: a stale file, or one that names a
/// process which became somebody else, is none.
std::optional<PostmasterState> running_postmaster(const std::filesystem::path& data);

/// Every process of PostgreSQL that stands in this data directory: the server, and what a server
/// that was killed left behind.
std::vector<pid_t> processes_on(const std::filesystem::path& data);

/// Starts `program` with `arguments` as a child, its output appended to `log`. It receives SIGINT,
/// which for PostgreSQL is a fast shutdown, when the calling thread ends for whatever reason. It
/// inherits no file descriptor, and of the environment nothing. Throws Error kFile, kUnavailable.
pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments,
            const std::filesystem::path& log);

/// Waits until `pid` has ended and returns its status, as waitpid gives it; 0 if it is no child.
/// Nothing if it is still there after `patience`.
std::optional<int> wait_for_end(pid_t pid, std::chrono::milliseconds patience);

/// Ends a server: fast, which disconnects clients and writes a checkpoint; and if that takes too
/// long, immediate, after which the next start recovers from the log. False if it won't end.
bool stop_postmaster(pid_t pid);

}  // namespace letterbox::storage
