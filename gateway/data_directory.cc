#include "gateway/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/error.h"
#include "crypto/base64.h"

namespace letterbox::gateway {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 1024 * 1024;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kFile,
              path.string() + ": " + what + ": " + std::generic_category().message(errno));
}

void make_directory(const fs::path& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) fail(path, "can't be made");
  // Whatever the umask was, and whoever widened it since.
  if (chmod(path.c_str(), mode) != 0) fail(path, "can't be given its permissions");
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

void write_file(const fs::path& path, ByteView content, unsigned mode) {
  const fs::path temporary = path.string() + ".new";
  const Descriptor file(open(temporary.c_str(),
                             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                             static_cast<mode_t>(mode)));
  if (file.get() < 0) fail(temporary, "can't be written");
  for (ByteView rest = content; !rest.empty();) {
    const ssize_t written = write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(temporary, "can't be written");
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  if (fchmod(file.get(), static_cast<mode_t>(mode)) != 0 || fsync(file.get()) != 0)
    fail(temporary, "can't be written");
  if (rename(temporary.c_str(), path.c_str()) != 0) fail(path, "can't be replaced");
  const Descriptor directory(open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0)
    fail(path.parent_path(), "can't be synced");
}

Bytes read_file(const fs::path& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "can't be read");
  Bytes content;
  Byte buffer[4096];
  while (true) {
    const ssize_t got = read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "can't be read");
    if (got == 0) return content;
    content.insert(content.end(), buffer, buffer + got);
    if (content.size() > kMaxFile)
      throw Error(ErrorCode::kFile, path.string() + ": is larger than 1 MiB");
  }
}

DataDirectory::DataDirectory(const fs::path& root) : root_(fs::absolute(root)) {
  std::error_code failed;
  fs::create_directories(root_, failed);
  make_directory(root_, 0711);
  make_directory(keys(), 0700);
  make_directory(published(), 0755);
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

bool DataDirectory::try_lock() {
  const fs::path path = root_ / "lock";
  if (lock_ < 0) lock_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) fail(path, "can't be opened");
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) fail(path, "can't be locked");
  return false;
}

Uuid DataDirectory::instance() {
  const fs::path path = root_ / "instance";
  if (!fs::exists(path)) write_file(path, as_bytes(Uuid::v7().text() + "\n"), 0600);
  const Bytes content = read_file(path);
  std::string_view text = as_text(content);
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::optional<Uuid> id = Uuid::parse(text);
  if (!id)
    throw Error(ErrorCode::kFile,
                path.string() + ": doesn't hold a UUID; restore it from a backup, or remove it");
  return *id;
}

namespace {

Secret<32> read_key(const fs::path& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "can't be read");
  // One byte more than a key has, to notice a longer file.
  Secret<Secret<32>::kSize + 1> content;
  if (read(file.get(), content.reveal().data(), content.kSize) != Secret<32>::kSize) {
    throw Error(ErrorCode::kFile,
                path.string() + ": isn't a key of 32 bytes; restore it from a backup");
  }
  Secret<32> key;
  std::copy_n(content.reveal().begin(), key.kSize, key.reveal().begin());
  return key;
}

Secret<32> fresh_key() {
  Secret<32> key;
  if (getrandom(key.reveal().data(), key.kSize, 0) != static_cast<ssize_t>(key.kSize)) {
    throw Error(ErrorCode::kInternal, "getrandom gave too few bytes");
  }
  return key;
}

// The key in the file `path`, made on first use. Any 32 bytes are one, an Ed25519 seed too.
Secret<32> key_of(const fs::path& path) {
  if (fs::exists(path)) return read_key(path);
  Secret<32> fresh = fresh_key();
  write_file(path, fresh.reveal(), 0600);
  return fresh;
}

}  // namespace

crypto::SigningKey DataDirectory::signing_key() {
  return crypto::SigningKey(key_of(keys() / "signing.key"));
}

Secret<32> DataDirectory::uid_key() {
  return key_of(keys() / "uid-mac.key");
}

}  // namespace letterbox::gateway
