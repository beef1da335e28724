// Local files: read piece by piece, read whole, written once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/secret.h"

namespace letterbox::client {

/// A file descriptor that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// A Source over an open descriptor from where it stands. It doesn't own the descriptor. next()
/// throws Error kFile.
class DescriptorSource final : public Source {
 public:
  /// `what` names it in messages: "file 2 of 5", "standard input".
  DescriptorSource(int fd, std::string what);
  ByteView next() override;

 private:
  int fd_;
  std::string what_;
  Bytes buffer_;
};

/// So many bytes of an open file from an offset on, wherever its descriptor stands: several may
/// read it at once. It doesn't own the descriptor.
class SliceSource final : public Source {
 public:
  SliceSource(int fd, std::uint64_t offset, std::uint64_t length, std::string what);
  /// Throws Error kFile, also where the file ends too early.
  ByteView next() override;

 private:
  int fd_;
  std::uint64_t offset_;
  std::uint64_t left_;
  std::string what_;
  Bytes buffer_;
};

/// A file to be read, or standard input for "-". Messages call it `what`, since names of payload
/// files may name patients.
class InputFile final : public Source {
 public:
  /// Throws Error kFile.
  InputFile(const std::string& path, std::string what);

  /// The length of a regular file, taken when it was opened; nothing for pipes and the like.
  std::optional<std::uint64_t> length() const noexcept { return length_; }
  /// Throws Error kFile: unreadable, or it doesn't yield length() bytes because it changes.
  ByteView next() override;

 private:
  std::string what_;
  FileDescriptor owned_;
  DescriptorSource source_;
  std::optional<std::uint64_t> length_;
  std::uint64_t read_ = 0;
};

/// Throws Error kFile.
FileDescriptor open_to_read(const std::string& path, const std::string& what);

/// Throws Error kFile unless there is a file, and not a directory, that may be read.
void check_readable(const std::string& path, const std::string& what);

/// The first bytes of a file, at most `size`. Throws Error kFile.
Bytes read_begin(const std::string& path, std::size_t size, const std::string& what);

/// The whole of a small file that isn't payload. Throws Error kFile, or kTooLarge above `limit`.
Bytes read_small_file(const std::filesystem::path& path, std::size_t limit);
/// The same for a file that holds a secret, in wiped memory throughout.
SecretBytes read_secret_file(const std::filesystem::path& path, std::size_t limit);

/// Writes a file of mode 0600 that is on the disk when this returns. It never overwrites (Error
/// kConflict); otherwise throws Error kFile and leaves nothing behind.
void write_new_file(const std::filesystem::path& path, ByteView content);
/// The same, taking the place of an older one in one step.
void replace_file(const std::filesystem::path& path, ByteView content);

/// Writes everything. Throws Error kFile, calling the target `what`.
void write_all(int fd, ByteView bytes, const std::string& what);

}  // namespace letterbox::client
