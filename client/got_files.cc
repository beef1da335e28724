#include "client/got_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "client/files.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kMaxFile = std::size_t{4} << 20;
constexpr std::size_t kUuidSize = 36;

// A name that the file is given later changes none of them.
std::string traits(const struct stat& status) {
  std::string traits;
  for (const auto number :
       {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
        static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
        static_cast<std::int64_t>(status.st_mtim.tv_nsec)})
    traits += (traits.empty() ? "" : " ") + std::to_string(number);
  return traits;
}

}  // namespace

GotFiles::GotFiles(const Home& home, const Uuid& delivery)
    : file_(home.incoming() / (delivery.text() + ".got")) {
  if (!std::filesystem::exists(file_)) return;
  const Bytes text = read_small_file(file_, kMaxFile);
  std::string_view rest = as_text(text);
  // A line that was cut off has no end, and isn't believed.
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.size() > kUuidSize + 1)
      got_.insert_or_assign(std::string(line.substr(0, kUuidSize)),
                            std::string(line.substr(kUuidSize + 1)));
  }
}

std::optional<std::filesystem::path> GotFiles::find(
    const Uuid& file, std::span<const std::filesystem::path> names) const {
  const auto got = got_.find(file.text());
  if (got == got_.end()) return std::nullopt;
  for (const auto& name : names) {
    struct stat status {};
    if (::lstat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        traits(status) == got->second)
      return name;
  }
  return std::nullopt;
}

void GotFiles::add(const Uuid& file, int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    throw Error(ErrorCode::kFile,
                "the output can't be looked at: " + std::generic_category().message(errno));
  const std::lock_guard lock(mutex_);
  const FileDescriptor output(
      ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (output.get() < 0)
    throw Error(ErrorCode::kFile,
                file_.string() + " can't be written: " + std::generic_category().message(errno));
  write_all(output.get(), as_bytes("\n" + file.text() + ' ' + traits(status) + "\n"),
            file_.string());
}

void GotFiles::forget() const {
  std::filesystem::remove(file_);
}

}  // namespace letterbox::client
