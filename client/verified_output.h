// Where opened content goes: nowhere that anybody can see, until it is verified to its end.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  int descriptor() const noexcept { return file_.get(); }

  /// Call it once everything is verified: fsync, then the name. Throws Error kConflict if `path`
  /// exists and `overwrite` is false, kFile; the content is then gone.
  void keep(const std::filesystem::path& path, bool overwrite);
  /// The same without waiting for the disk: for what is held against a digest before it is used.
  void give_name(const std::filesystem::path& path, bool overwrite);

 private:
  FileDescriptor file_;
  /// Empty where the file system has files without names (O_TMPFILE), as all common ones do.
  std::filesystem::path temporary_;
  Bytes first_bytes_;
};

/// Where opened content is to appear.
struct Destination {
  bool standard_output = false;
  std::filesystem::path directory = {};
  /// A file name. Nothing: `stem` with .dcm, .jpg, .png or .bin, as the content shows.
  std::optional<std::filesystem::path> name = std::nullopt;
  std::string stem = {};
  bool overwrite = false;
  /// Called with the descriptor of what is verified and whole, before it gets its name.
  std::function<void(int descriptor)> before_naming = [](int) {};
};

/// The paths one of which `release` returns.
std::vector<std::filesystem::path> possible_paths(const Destination& destination);

/// Makes, from an age file, the Source of its plaintext, whose end proves it (client/reading.h).
using Opening = std::function<std::unique_ptr<Source>(Source& age_file)>;

/// Pulls `age_file` through `open` to its verified end and only then lets the plaintext appear at
/// `destination`. For standard output the age file, still sealed, is spooled in `spool_directory`,
/// verified whole, and opened a second time. Throws what `open` and its Source throw, Error kFile
/// and kConflict, and then has left nothing behind. Returns the path, empty for standard output.
std::filesystem::path release(Source& age_file, const Opening& open, const Destination& destination,
                              const std::filesystem::path& spool_directory);

}  // namespace letterbox::client
