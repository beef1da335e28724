// Which files of a delivery a get has verified already: one that was cut off after the
// first thousand goes on with the next.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/uuid.h"
#include "client/home.h"

namespace letterbox::client {

/// A text file in incoming/: a line "file device inode size time" for each, which tells whether
/// what bears its name is still the same, and doesn't tell the name: that may be a patient's.
/// Thread-safe.
class GotFiles {
 public:
  /// What an earlier get of the delivery left. Throws Error kFile.
  GotFiles(const Home& home, const Uuid& delivery);

  /// Where a file is already, of the names that it may have been given: it was verified, and nobody
  /// has touched it since.
  std::optional<std::filesystem::path> find(const Uuid& file,
                                            std::span<const std::filesystem::path> names) const;
  /// That a file, open as `descriptor`, is about to get its name. Throws Error kFile.
  void add(const Uuid& file, int descriptor);
  /// All are there.
  void forget() const;

 private:
  std::filesystem::path file_;
  std::map<std::string, std::string> got_;
  std::mutex mutex_;
};

}  // namespace letterbox::client
