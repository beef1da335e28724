// The embedded default: a PostgreSQL cluster of our own in the data directory.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace letterbox::storage {

/// A PostgreSQL server that belongs to this data directory: made by initdb on first use (checksums
/// on, UTF-8, peer authentication), listening on a Unix socket in a 0700 directory and on no
/// network. The caller must not be root, because PostgreSQL refuses to be.
class PrivateCluster {
 public:
  /// Starts the server, or takes over one that an earlier run left running here. It ends with
  /// this process, also when that is killed. `directory` is made if absent (0700). Call from a
  /// thread that lives as long as the process. Throws Error kConfiguration (PostgreSQL's programs
  /// not found, socket path too long or with a comma, made by another major version, in use by
  /// another program of ours), kFile (not writable, or another user's), kUnavailable (doesn't come
  /// up; the message names its log file).
  static std::unique_ptr<PrivateCluster> start(const std::filesystem::path& directory);

  /// A connection to a server that is already running there, for a second program on the same host
  /// and of the same user. Waits for one that is starting. Null if none runs.
  static std::unique_ptr<PrivateCluster> join(const std::filesystem::path& directory);

  /// Stops what start() started, in PostgreSQL's fast mode; leaves a joined one alone.
  virtual ~PrivateCluster() = default;

  /// Whether the server still runs; one that has ended isn't started again by itself. For the
  /// thread that called start().
  virtual bool running() = 0;

  /// For PostgresOptions::connection.
  virtual std::string connection() const = 0;
};

}  // namespace letterbox::storage
