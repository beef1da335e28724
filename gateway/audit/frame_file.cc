#include "gateway/audit/frame_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace letterbox::gateway::audit {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, int reason) {
  throw Error(ErrorCode::kFile, path.string() + ": " + std::generic_category().message(reason));
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

FrameFile::FrameFile(const std::filesystem::path& path)
    : path_(path), file_(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (file_ < 0) refuse(path_, errno);
}

FrameFile::~FrameFile() {
  close(file_);
}

void FrameFile::deliver(std::string_view frames) {
  if (!write_all(file_, frames) || fsync(file_) != 0) {
    const int reason = errno;
    // Half a frame would make a reader lose its place. If this fails too, the file wasn't to be
    // relied on anyway.
    if (ftruncate(file_, size_) == 0) lseek(file_, size_, SEEK_SET);
    refuse(path_, reason);
  }
  size_ += static_cast<long>(frames.size());
}

}  // namespace letterbox::gateway::audit
