#include "gateway/admin/secret_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  throw Error(ErrorCode::kFile, file.string() + ": " + why);
}

std::string reason() {
  return std::generic_category().message(errno);
}

// What somebody else could have opened before would show them the secret later.
bool is_empty_and_ours_alone(int descriptor) {
  struct stat info {};
  return fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0 &&
         info.st_uid == geteuid() && info.st_nlink == 1 && (info.st_mode & 0777) == 0600;
}

int open_file(const std::filesystem::path& file) {
  constexpr int kFlags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
  int descriptor = open(file.c_str(), kFlags | O_CREAT | O_EXCL, 0600);
  if (descriptor >= 0) return descriptor;
  if (errno != EEXIST) refuse(file, "can't be written: " + reason());
  descriptor = open(file.c_str(), kFlags | O_NONBLOCK);
  if (descriptor >= 0 && is_empty_and_ours_alone(descriptor)) return descriptor;
  if (descriptor >= 0) close(descriptor);
  refuse(file, "exists already");
}

int open_terminal() {
  if (isatty(STDOUT_FILENO) != 1) {
    throw Error(ErrorCode::kUsage,
                "this makes a secret, which goes to a terminal or, with --output, to a file");
  }
  return STDOUT_FILENO;
}

}  // namespace

SecretOutput::SecretOutput(const std::filesystem::path& file)
    : file_(file), descriptor_(file.empty() ? open_terminal() : open_file(file)) {}

SecretOutput::~SecretOutput() {
  if (!file_.empty()) close(descriptor_);
}

void SecretOutput::write(const SecretBytes& secret) {
  const std::filesystem::path shown = file_.empty() ? "standard output" : file_;
  for (ByteView rest = secret.reveal(); !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(shown, "can't be written: " + reason());
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  if (!file_.empty() && fsync(descriptor_) != 0) refuse(shown, "can't be written: " + reason());
}

}  // namespace letterbox::gateway
