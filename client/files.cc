#include "client/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "client/verified_output.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kPieceSize = 1024 * 1024;

[[noreturn]] void throw_errno(const std::string& what) {
  throw Error(ErrorCode::kFile, what + ": " + std::generic_category().message(errno));
}

std::size_t read_some(int fd, std::span<Byte> buffer, const std::string& what) {
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw_errno(what + " can't be read");
  }
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DescriptorSource::DescriptorSource(int fd, std::string what) : fd_(fd), what_(std::move(what)) {}

ByteView DescriptorSource::next() {
  if (buffer_.empty()) buffer_.resize(kPieceSize);
  return ByteView(buffer_).first(read_some(fd_, buffer_, what_));
}

SliceSource::SliceSource(int fd, std::uint64_t offset, std::uint64_t length, std::string what)
    : fd_(fd), offset_(offset), left_(length), what_(std::move(what)) {}

ByteView SliceSource::next() {
  if (left_ == 0) return {};
  buffer_.resize(std::min<std::uint64_t>(left_, kPieceSize));
  ssize_t count = -1;
  do count = ::pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
  while (count < 0 && errno == EINTR);
  if (count < 0) throw_errno(what_ + " can't be read");
  if (count == 0) throw Error(ErrorCode::kFile, what_ + " has become shorter");
  const auto size = static_cast<std::size_t>(count);
  offset_ += size;
  left_ -= size;
  return ByteView(buffer_).first(size);
}

FileDescriptor open_to_read(const std::string& path, const std::string& what) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw_errno(what + " can't be opened");
  return fd;
}

InputFile::InputFile(const std::string& path, std::string what)
    : what_(std::move(what)),
      owned_(path == "-" ? FileDescriptor() : open_to_read(path, what_)),
      source_(path == "-" ? STDIN_FILENO : owned_.get(), what_) {
  if (owned_.get() < 0) return;
  struct stat status {};
  if (::fstat(owned_.get(), &status) != 0) throw_errno(what_ + " can't be read");
  if (S_ISREG(status.st_mode)) length_ = static_cast<std::uint64_t>(status.st_size);
}

ByteView InputFile::next() {
  const ByteView piece = source_.next();
  read_ += piece.size();
  if (length_ && (piece.empty() ? read_ != *length_ : read_ > *length_))
    throw Error(ErrorCode::kFile, what_ + " changed while it was read; try again");
  return piece;
}

void check_readable(const std::string& path, const std::string& what) {
  if (::access(path.c_str(), R_OK) != 0) throw_errno(what + " can't be opened");
  if (std::filesystem::is_directory(path)) throw Error(ErrorCode::kFile, what + " is a directory");
}

Bytes read_begin(const std::string& path, std::size_t size, const std::string& what) {
  const FileDescriptor fd = open_to_read(path, what);
  Bytes begin(size);
  std::size_t read = 0;
  for (std::size_t count = 1; count > 0 && read < size; read += count)
    count = read_some(fd.get(), std::span(begin).subspan(read), what);
  begin.resize(read);
  return begin;
}

SecretBytes read_secret_file(const std::filesystem::path& path, std::size_t limit) {
  const FileDescriptor fd = open_to_read(path, path.string());
  SecretBytes content(limit + 1);
  std::size_t size = 0;
  for (;;) {
    const std::size_t count = read_some(fd.get(), content.reveal().subspan(size), path.string());
    size += count;
    if (size > limit)
      throw Error(ErrorCode::kTooLarge, path.string() + " is larger than such a file can be");
    if (count == 0) break;
  }
  content.truncate(size);
  return content;
}

Bytes read_small_file(const std::filesystem::path& path, std::size_t limit) {
  const FileDescriptor fd = open_to_read(path, path.string());
  DescriptorSource source(fd.get(), path.string());
  try {
    return read_all(source, limit);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kTooLarge) throw;
    throw Error(ErrorCode::kTooLarge, path.string() + " is larger than such a file can be");
  }
}

void write_new_file(const std::filesystem::path& path, ByteView content) {
  VerifiedOutput file(path.parent_path());
  file.write(content);
  file.keep(path, false);
}

void replace_file(const std::filesystem::path& path, ByteView content) {
  VerifiedOutput file(path.parent_path());
  file.write(content);
  file.keep(path, true);
}

void write_all(int fd, ByteView bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      throw_errno(what + " can't be written");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace letterbox::client
