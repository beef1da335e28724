// What came of a payload so far, kept so that a get which was killed is gone on with. It is
// ciphertext, as it lies at the gateway, and believed no more than what the gateway sends: it goes
// through the same verification to the last chunk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/bytes.h"
#include "client/files.h"
#include "client/home.h"
#include "records/manifest.h"

namespace letterbox::client {

/// A file in incoming/, mode 0600, named after the SHA-256 that the payload must have. For one
/// thread at a time; no other process has it meanwhile.
class PartialDownload {
 public:
  /// Nothing for a small payload, for one that another process is fetching, and where the disk has
  /// no room for it: then it isn't kept. Throws Error kFile.
  static std::optional<PartialDownload> of(const Home& home, const records::ManifestEntry& entry);
  /// Removes what nobody went on with for a week. Throws Error kFile.
  static void remove_old(const Home& home);

  /// How much is there.
  std::uint64_t length() const noexcept { return length_; }
  /// All of that. This must outlive it.
  SliceSource read() const;
  /// Adds what came next. Throws Error kFile.
  void append(ByteView bytes);
  /// It has served, or is no good.
  void remove();

 private:
  PartialDownload(std::filesystem::path path, FileDescriptor file, std::uint64_t length)
      : path_(std::move(path)), file_(std::move(file)), length_(length) {}

  std::filesystem::path path_;
  FileDescriptor file_;
  std::uint64_t length_;
};

}  // namespace letterbox::client
