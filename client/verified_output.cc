#include "client/verified_output.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <system_error>

#include "base/error.h"
#include "base/uuid.h"
#include "dicom/media_type.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kSniffedSize = 132;

// Where a file system has no O_TMPFILE, temporary files have names, which must not outlive a
// Ctrl-C. A signal handler can't look into C++ objects; it has these.
struct Unfinished {
  std::atomic<bool> taken = false;
  std::array<char, PATH_MAX> path{};
};
std::array<Unfinished, 16> unfinished_files;

extern "C" void remove_unfinished(int signal_number) {
  for (const Unfinished& file : unfinished_files)
    if (file.path[0] != '\0') ::unlink(file.path.data());
  static_cast<void>(::signal(signal_number, SIG_DFL));
  static_cast<void>(::raise(signal_number));
}

void guard(const std::string& path) {
  if (path.size() >= PATH_MAX) throw Error(ErrorCode::kFile, "the output's path is too long");
  const auto free = std::ranges::find_if(
      unfinished_files, [](Unfinished& file) { return !file.taken.exchange(true); });
  if (free == unfinished_files.end())
    throw Error(ErrorCode::kFile, "too many files are being written at once");
  std::copy(path.begin(), path.end(), free->path.begin());
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = remove_unfinished;
    ::sigaction(number, &action, nullptr);
  }
}

void unguard(const std::string& path) {
  for (Unfinished& file : unfinished_files) {
    if (path != file.path.data()) continue;
    file.path.fill('\0');
    file.taken = false;
  }
}

[[noreturn]] void throw_errno(const std::string& what) {
  throw Error(ErrorCode::kFile, what + ": " + std::generic_category().message(errno));
}

std::filesystem::path or_here(const std::filesystem::path& directory) {
  return directory.empty() ? "." : directory;
}

void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor fd(::open(or_here(directory).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) throw_errno("the output's directory can't be synced");
}

// Gives a file without a name its first one; fails where that is taken.
bool link_nameless(int fd, const std::filesystem::path& name) {
  const std::string nameless = "/proc/self/fd/" + std::to_string(fd);
  return ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

// The same for one that has a name. vfat knows no hard links and NFS no RENAME_NOREPLACE.
bool rename_to_free(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  return errno == EINVAL && ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

const char* extension_of(ByteView first_bytes) {
  const auto type = dicom::sniff(first_bytes);
  if (!type) return ".bin";
  switch (*type) {
    case dicom::MediaType::kDicom:
      return ".dcm";
    case dicom::MediaType::kJpeg:
      return ".jpg";
    case dicom::MediaType::kPng:
      return ".png";
  }
  return ".bin";
}

template <typename Take>
void pour(Source& source, Take take) {
  for (ByteView piece = source.next(); !piece.empty(); piece = source.next()) take(piece);
}

std::filesystem::path unused_name(const std::filesystem::path& directory) {
  return or_here(directory) / (".letterbox-" + Uuid::v7().text());
}

}  // namespace

VerifiedOutput::VerifiedOutput(const std::filesystem::path& directory) {
  file_ = FileDescriptor(
      ::open(or_here(directory).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file_.get() >= 0) return;
  if (errno != EOPNOTSUPP && errno != EISDIR) throw_errno("the output's directory can't be used");
  temporary_ = unused_name(directory);
  guard(temporary_.string());
  file_ = FileDescriptor(
      ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file_.get() < 0) throw_errno("the output's directory can't be used");
}

VerifiedOutput::~VerifiedOutput() {
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  unguard(temporary_.string());
}

void VerifiedOutput::write(ByteView bytes) {
  if (first_bytes_.size() < kSniffedSize) {
    const ByteView begin = bytes.first(std::min(bytes.size(), kSniffedSize - first_bytes_.size()));
    first_bytes_.insert(first_bytes_.end(), begin.begin(), begin.end());
  }
  write_all(file_.get(), bytes, "the output");
}

int VerifiedOutput::read_back() {
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) throw_errno("the output can't be read back");
  return file_.get();
}

void VerifiedOutput::keep(const std::filesystem::path& path, bool overwrite) {
  if (::fsync(file_.get()) != 0) throw_errno("the output can't be synced to the disk");
  give_name(path, overwrite);
  sync_directory(path.parent_path());
}

void VerifiedOutput::give_name(const std::filesystem::path& path, bool overwrite) {
  if (overwrite) {
    const std::filesystem::path named =
        temporary_.empty() ? unused_name(path.parent_path()) : temporary_;
    if (temporary_.empty() && !link_nameless(file_.get(), named))
      throw_errno("the output can't be named");
    if (::rename(named.c_str(), path.c_str()) != 0) {
      const int reason = errno;
      ::unlink(named.c_str());
      errno = reason;
      throw_errno("the output can't be named");
    }
  } else if (temporary_.empty() ? !link_nameless(file_.get(), path)
                                : !rename_to_free(temporary_, path)) {
    if (errno == EEXIST)
      throw Error(ErrorCode::kConflict,
                  "a file of the output's name exists already; --force overwrites it");
    throw_errno("the output can't be named");
  }
}

std::vector<std::filesystem::path> possible_paths(const Destination& destination) {
  if (destination.name) return {destination.directory / *destination.name};
  std::vector<std::filesystem::path> paths;
  for (const char* extension : {".dcm", ".jpg", ".png", ".bin"})
    paths.push_back(destination.directory / (destination.stem + extension));
  return paths;
}

std::filesystem::path release(Source& age_file, const Opening& open, const Destination& destination,
                              const std::filesystem::path& spool_directory) {
  const bool to_stdout = destination.standard_output;
  // To find out at once and not after gigabytes; keep() is what makes sure.
  if (destination.name && !destination.overwrite &&
      std::filesystem::exists(destination.directory / *destination.name))
    throw Error(ErrorCode::kConflict,
                "a file of the output's name exists already; --force overwrites it");
  VerifiedOutput file(to_stdout ? spool_directory : destination.directory);
  const auto write = [&](ByteView piece) { file.write(piece); };
  if (!to_stdout) {
    pour(*open(age_file), write);
    const std::filesystem::path name =
        destination.name.value_or(destination.stem + extension_of(file.first_bytes()));
    std::filesystem::path path = destination.directory / name;
    destination.before_naming(file.descriptor());
    file.keep(path, destination.overwrite);
    return path;
  }
  pour(age_file, write);
  const auto pass = [&](auto take) {
    DescriptorSource sealed(file.read_back(), "the spooled file");
    pour(*open(sealed), take);
  };
  pass([](ByteView) {});
  pass([](ByteView piece) { write_all(STDOUT_FILENO, piece, "standard output"); });
  return {};
}

}  // namespace letterbox::client
