// The data directory: what a gateway keeps beside its database.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/uuid.h"
#include "crypto/signing.h"

namespace letterbox::gateway {

/// Layout:
///   lock            held by the one letterboxd that serves from here
///   instance        a UUID that outlives processes: whose staged files are whose
///   keys/           0700: signing.key (Ed25519 seed), uid-mac.key, ca.key, server.key
///   public/         what clients may read: ca.pem, server.pem, gateway.json
///   first-administrator.json   0600, while there is none: lets the first one in
///   address         where this host reaches the gateway that serves: a URL
///   postgres/       the private cluster
/// Not thread-safe; used at start.
class DataDirectory {
 public:
  /// Makes the layout if absent. Throws Error kFile, saying which path and why.
  explicit DataDirectory(const std::filesystem::path& root);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  /// Whether this process is now the only one here; false if another letterboxd serves from it. The
  /// lock lasts as long as this object, and ends with the process however it ends.
  bool try_lock();

  /// Made on first use.
  Uuid instance();
  crypto::SigningKey signing_key();
  /// Under which UIDs are known again in the database (stow/uid_macs.h). Losing it means that what
  /// comes again isn't recognized, and nothing else.
  Secret<32> uid_key();

  const std::filesystem::path& root() const noexcept { return root_; }
  std::filesystem::path keys() const { return root_ / "keys"; }
  std::filesystem::path published() const { return root_ / "public"; }
  std::filesystem::path cluster() const { return root_ / "postgres"; }

 private:
  std::filesystem::path root_;
  int lock_ = -1;
};

/// Writes a whole file so that a crash leaves the old one or the new one: a temporary file, fsync,
/// rename. `mode` are its permission bits. Throws Error kFile.
void write_file(const std::filesystem::path& path, ByteView content, unsigned mode);
/// Throws Error kFile, also above 1 MiB.
Bytes read_file(const std::filesystem::path& path);

}  // namespace letterbox::gateway
