#include "client/partial_download.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "base/error.h"

namespace letterbox::client {
namespace {

// Up to this size it comes again faster than it is worth keeping.
constexpr std::uint64_t kSmall = std::uint64_t{8} << 20;
constexpr std::chrono::hours kKept{7 * 24};

Error failed(const std::filesystem::path& path) {
  return {ErrorCode::kFile,
          path.string() + " can't be used: " + std::generic_category().message(errno)};
}

}  // namespace

std::optional<PartialDownload> PartialDownload::of(const Home& home,
                                                   const records::ManifestEntry& entry) {
  if (entry.length <= kSmall) return std::nullopt;
  const std::filesystem::path path = home.incoming() / to_hex(entry.sha256);
  FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.get() < 0) throw failed(path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw failed(path);
  if (status.st_nlink == 0) return std::nullopt;  // who held it has got the file by now
  auto length = static_cast<std::uint64_t>(status.st_size);
  // More than there can be is nothing that we wrote.
  if (length > entry.length) {
    if (::ftruncate(file.get(), 0) != 0) throw failed(path);
    length = 0;
  }
  PartialDownload partial(path, std::move(file), length);
  if (std::filesystem::space(home.incoming()).available < entry.length - length) {
    partial.remove();
    return std::nullopt;
  }
  return partial;
}

void PartialDownload::remove_old(const Home& home) {
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const auto& entry : std::filesystem::directory_iterator(home.incoming())) {
    std::error_code gone;
    const auto written = entry.last_write_time(gone);
    if (!gone && now - written > kKept) std::filesystem::remove(entry.path(), gone);
  }
}

SliceSource PartialDownload::read() const {
  return {file_.get(), 0, length_, "what came earlier"};
}

void PartialDownload::append(ByteView bytes) {
  write_all(file_.get(), bytes, "what comes");
  length_ += bytes.size();
}

void PartialDownload::remove() {
  std::filesystem::remove(path_);
}

}  // namespace letterbox::client
