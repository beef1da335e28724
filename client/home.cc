#include "client/home.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include "base/error.h"
#include "client/files.h"
#include "records/cover_chain.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kMaxEnvelopeFile = records::kMaxEnvelopeSize + 1;  // and a line end

void make_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), S_IRWXU) == 0 || errno == EEXIST) return;
  throw Error(ErrorCode::kFile, "the directory " + directory.string() +
                                    " can't be made: " + std::generic_category().message(errno));
}

void write_once(const std::filesystem::path& path, const records::Envelope& envelope) {
  if (std::filesystem::exists(path)) return;
  const std::string text = records::to_json(envelope) + "\n";
  replace_file(path, as_bytes(text));
}

std::filesystem::path file_of(const std::filesystem::path& directory, const Digest& hash) {
  return directory / (to_hex(hash) + ".json");
}

std::optional<records::Envelope> read_if_any(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_envelope(path);
}

}  // namespace

std::filesystem::path default_home() {
  // Before there is a second thread. NOLINTBEGIN(concurrency-mt-unsafe)
  if (const char* set = std::getenv("LETTERBOX_HOME"); set != nullptr && *set != '\0') return set;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".config" / "letterbox";
  // NOLINTEND(concurrency-mt-unsafe)
  throw Error(ErrorCode::kUsage, "no home directory is set; say --home DIR");
}

records::Envelope read_envelope(const std::filesystem::path& path) {
  const Bytes text = read_small_file(path, kMaxEnvelopeFile);
  try {
    return records::parse_envelope(as_text(text));
  } catch (const Error& error) {
    throw Error(error.code(), path.string() + ": " + error.what());
  }
}

std::vector<records::DeviceRecord> read_device_records(const std::filesystem::path& directory) {
  std::vector<records::DeviceRecord> records;
  if (!std::filesystem::exists(directory)) return records;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".json") continue;
    const records::Envelope envelope = read_envelope(entry.path());
    try {
      records.push_back(records::verify_device_record(envelope));
    } catch (const Error& error) {
      throw Error(error.code(), entry.path().string() + ": " + error.what());
    }
  }
  std::ranges::sort(records, [](const auto& a, const auto& b) {
    return std::tie(a.handle, a.recipient) < std::tie(b.handle, b.recipient);
  });
  return records;
}

std::vector<records::Envelope> read_covers(const std::filesystem::path& path) {
  const Bytes text = read_small_file(path, records::kMaxCoverVersions * kMaxEnvelopeFile);
  std::vector<records::Envelope> covers;
  try {
    std::string_view rest = as_text(text);
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      covers.push_back(records::parse_envelope(line));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
  } catch (const Error& error) {
    throw Error(error.code(), path.string() + ": " + error.what());
  }
  return covers;
}

std::string covers_text(const VerifiedChain& chain, const VerifiedCover& last) {
  std::string text;
  for (const VerifiedCover& cover : chain.all())
    if (cover.cover().version <= last.cover().version)
      text += records::to_json(cover.envelope()) + "\n";
  return text;
}

Home::Home(const std::filesystem::path& directory)
    : directory_(directory.has_filename() ? directory : directory.parent_path()) {
  std::error_code ignored;  // make_directory says what is wrong
  if (directory_.has_parent_path())
    std::filesystem::create_directories(directory_.parent_path(), ignored);
  make_directory(directory_);
  for (const char* name : {"known", "known/revoked", "covers", "manifests", "held", "deletions",
                           "strangers", "outgoing", "incoming"})
    make_directory(directory_ / name);
}

std::filesystem::path Home::key_file() const {
  const bool is_bare =
      !std::filesystem::exists(sealed_key_file()) && std::filesystem::exists(bare_key_file());
  return is_bare ? bare_key_file() : sealed_key_file();
}

bool Home::has_device() const {
  return std::filesystem::exists(device_record_file());
}

records::DeviceRecord Home::device_record() const {
  if (!has_device())
    throw Error(ErrorCode::kFile,
                "this device has no keys in " + directory_.string() + "; run letterbox login");
  return records::verify_device_record(read_envelope(device_record_file()));
}

std::optional<Gateway> Home::gateway_if_any() const {
  const auto path = directory_ / "gateway.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_gateway(path);
}

void Home::remember_device(const records::Envelope& record) const {
  const std::string text = records::to_json(record) + "\n";
  replace_file(device_record_file(), as_bytes(text));
}

Gateway Home::gateway() const {
  if (auto gateway = gateway_if_any()) return *gateway;
  throw Error(ErrorCode::kConfiguration,
              "no gateway is known in " + directory_.string() +
                  "; run letterbox connect with the file that its operator gave you");
}

void Home::remember(const Gateway& gateway) const {
  const std::string text = to_json(gateway);
  replace_file(directory_ / "gateway.json", as_bytes(text));
}

void Home::remember_stranger(const records::Envelope& record) const {
  write_once(file_of(directory_ / "strangers", records::payload_hash(record)), record);
}

std::vector<records::DeviceRecord> Home::strangers() const {
  return read_device_records(directory_ / "strangers");
}

void Home::remember(const VerifiedDelivery& delivery) const {
  for (const VerifiedCover& cover : delivery.chain.all())
    write_once(file_of(directory_ / "covers", cover.hash()), cover.envelope());
  write_once(file_of(directory_ / "manifests", delivery.chain.first().hash()),
             delivery.manifest_envelope);
}

std::vector<records::Envelope> Home::covers(const crypto::CoverHash& last) const {
  std::vector<records::Envelope> covers;
  for (std::optional<crypto::CoverHash> next = last; next;) {
    const auto cover = read_if_any(file_of(directory_ / "covers", *next));
    // A chain of hashes can't lead back to itself, but files can be named as somebody likes.
    if (!cover || covers.size() == records::kMaxCoverVersions) return {};
    covers.push_back(*cover);
    next = records::parse_cover(cover->payload).previous;
  }
  std::ranges::reverse(covers);
  return covers;
}

std::optional<records::Envelope> Home::manifest(const crypto::CoverHash& first) const {
  return read_if_any(file_of(directory_ / "manifests", first));
}

bool Home::sends_receipts() const {
  return !std::filesystem::exists(directory_ / "no-receipts");
}

void Home::set_sends_receipts(bool sends) const {
  if (sends)
    std::filesystem::remove(directory_ / "no-receipts");
  else
    replace_file(directory_ / "no-receipts", {});
}

}  // namespace letterbox::client
