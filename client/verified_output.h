// Where opened content goes: nowhere that anybody can see, until it is verified to its end.
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "client/files.h"

namespace letterbox::client {

/// A file without a name. It gets one by `keep`, whole and on the disk; otherwise it vanishes with
/// this object or with the process. Mode 0600.
class VerifiedOutput {
 public:
  /// In `directory`, which must be the one of the later name. Throws Error kFile.
  explicit VerifiedOutput(const std::filesystem::path& directory);
  ~VerifiedOutput();
  VerifiedOutput(const VerifiedOutput&) = delete;
  VerifiedOutput& operator=(const VerifiedOutput&) = delete;

  /// Throws Error kFile.
  void write(ByteView bytes);
  /// The first bytes that were written, enough to tell what the content is (at most 132).
  ByteView first_bytes() const noexcept { return first_bytes_; }
  /// Rewinds and gives the descriptor, for reading back what was written.
  int read_back();

  /// Call it once everything is verified: fsync, then the name. Throws Error kConflict if `path`
  /// exists and `overwrite` is false, kFile; the content is then gone.
  void keep(const std::filesystem::path& path, bool overwrite);

 private:
  FileDescriptor file_;
  /// Empty where the file system has files without names (O_TMPFILE), as all common ones do.
  std::filesystem::path temporary_;
  Bytes first_bytes_;
};

}  // namespace letterbox::client
