#include "client/seen_versions.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "client/files.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} << 20;  // of about half a million lines
constexpr std::size_t kUuidSize = 36;
constexpr std::size_t kHashSize = 64;

std::string line_of(const Uuid& delivery, const SeenVersion& seen) {
  return delivery.text() + ' ' + std::to_string(seen.version) + ' ' + to_hex(seen.hash);
}

std::optional<std::pair<Uuid, SeenVersion>> parse(std::string_view line) {
  if (line.size() < kUuidSize + 3 + kHashSize) return std::nullopt;
  const auto delivery = Uuid::parse(line.substr(0, kUuidSize));
  const auto hash = digest_from_hex(line.substr(line.size() - kHashSize));
  if (!delivery || !hash) return std::nullopt;
  SeenVersion seen{0, *hash};
  const char* const number = line.data() + kUuidSize + 1;
  std::from_chars(number, line.data() + line.size() - kHashSize - 1, seen.version);
  if (seen.version == 0 || line_of(*delivery, seen) != line) return std::nullopt;
  return std::pair(*delivery, seen);
}

}  // namespace

SeenVersions::SeenVersions(std::filesystem::path file) : file_(std::move(file)) {
  if (!std::filesystem::exists(file_)) return;
  const Bytes text = read_small_file(file_, kMaxFile);
  std::string_view rest = as_text(text);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto seen = parse(line);
    if (!seen) continue;
    const auto [place, is_new] = seen_.insert(*seen);
    if (!is_new && place->second.version < seen->second.version) place->second = seen->second;
  }
}

std::optional<SeenVersion> SeenVersions::of(const Uuid& delivery) const {
  const auto found = seen_.find(delivery);
  return found == seen_.end() ? std::nullopt : std::optional(found->second);
}

void SeenVersions::remember(const Uuid& delivery, const SeenVersion& version) {
  const auto [place, is_new] = seen_.try_emplace(delivery, version);
  if (!is_new && place->second.version >= version.version) return;
  place->second = version;
  const FileDescriptor file(
      ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.get() < 0)
    throw Error(ErrorCode::kFile,
                file_.string() + " can't be written: " + std::generic_category().message(errno));
  // It begins with a line end of its own, so that a line which broke off spoils no other.
  write_all(file.get(), as_bytes("\n" + line_of(delivery, version) + "\n"), file_.string());
}

}  // namespace letterbox::client
