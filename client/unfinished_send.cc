#include "client/unfinished_send.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "client/verified_output.h"
#include "crypto/hash.h"
#include "records/time.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// 4000 files' worth, beside an envelope of each kind.
constexpr std::size_t kMaxJournal = std::size_t{16} << 20;
constexpr std::size_t kMaxTarget = 256;

std::filesystem::path journal_of(const std::filesystem::path& folder) {
  return folder / "send.json";
}

// Nothing if somebody else holds it, or there is nothing to hold.
std::optional<FileDescriptor> hold(const std::filesystem::path& folder) {
  FileDescriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (held.get() < 0 || ::flock(held.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  // It may have been finished, and be gone, since it was opened.
  if (!std::filesystem::exists(folder)) return std::nullopt;
  return held;
}

// Between the making of a folder and the holding of it, or the other way round, nobody else looks.
FileDescriptor door(const std::filesystem::path& outgoing) {
  FileDescriptor held(::open(outgoing.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (::flock(held.get(), LOCK_EX) != 0)
    if (errno != EINTR)
      throw Error(ErrorCode::kFile, outgoing.string() + " can't be locked: " +
                                        std::generic_category().message(errno));
  return held;
}

FileDescriptor make(const std::filesystem::path& folder) {
  const FileDescriptor closed = door(folder.parent_path());
  if (::mkdir(folder.c_str(), S_IRWXU) == 0)
    if (auto held = hold(folder)) return *std::move(held);
  throw Error(ErrorCode::kFile, "the folder " + folder.string() +
                                    " can't be made: " + std::generic_category().message(errno));
}

json to_json(const SealedBytes& sealed) {
  return {{"length", sealed.length},
          {"sha256", to_hex(sealed.sha256)},
          {"payload_length", sealed.entry.length},
          {"payload_sha256", to_hex(sealed.entry.sha256)}};
}

Digest digest_of(const json& object, const char* name) {
  const auto digest = digest_from_hex(object.at(name).get_ref<const std::string&>());
  if (!digest) throw Error(ErrorCode::kMalformed, "a digest isn't one");
  return *digest;
}

SealedBytes parse_sealed(const Uuid& id, const json& object) {
  return {
      object.at("length").get<std::uint64_t>(),
      digest_of(object, "sha256"),
      {id, object.at("payload_length").get<std::uint64_t>(), digest_of(object, "payload_sha256")}};
}

OutgoingFile parse_file(const json& object) {
  const auto id = Uuid::parse(object.at("file").get_ref<const std::string&>());
  if (!id) throw Error(ErrorCode::kMalformed, "an id isn't one");
  return {parse_sealed(*id, object.at("age")), parse_sealed(*id, object.at("index")),
          object.at("type").get<std::string>(), object.at("checked").get<bool>(),
          object.at("dropped").get<std::vector<std::string>>()};
}

Error damaged(const std::filesystem::path& folder, const std::string& why) {
  return {ErrorCode::kMalformed, journal_of(folder).string() + " can't be gone on with: " + why +
                                     "; letterbox send --discard drops it"};
}

void check_bytes(const std::filesystem::path& path, const SealedBytes& sealed) {
  if (!std::filesystem::exists(path)) return;  // it is at the gateway
  const FileDescriptor fd = open_to_read(path.string(), path.string());
  DescriptorSource source(fd.get(), path.string());
  crypto::Sha256 hash;
  for (ByteView piece = source.next(); !piece.empty(); piece = source.next()) hash.update(piece);
  if (hash.finish() != sealed.sha256)
    throw Error(ErrorCode::kIntegrity, path.string() + " isn't what was sealed");
}

}  // namespace

UnfinishedSend::UnfinishedSend(const Home& home, records::SignedCover cover,
                               std::optional<records::Handle> held_for)
    : UnfinishedSend(home.outgoing() / cover.cover.delivery.text(),
                     make(home.outgoing() / cover.cover.delivery.text()), std::move(cover),
                     std::move(held_for)) {}

std::vector<std::filesystem::path> UnfinishedSend::all(const Home& home) {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(home.outgoing()))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::ranges::sort(folders);  // by their names, ids which begin with the time
  return folders;
}

std::optional<UnfinishedSend> UnfinishedSend::open(const std::filesystem::path& folder,
                                                   const crypto::VerifyKey& device) {
  auto held = hold(folder);
  if (!held) return std::nullopt;
  const auto envelope = [](const json& value) { return records::parse_envelope(value.dump()); };
  try {
    const Bytes text = read_small_file(journal_of(folder), kMaxJournal);
    const json journal = json::parse(as_text(text));
    const json& held_for = journal.at("held_for");
    UnfinishedSend send(
        folder, *std::move(held), records::verify_cover(envelope(journal.at("cover")), device),
        held_for.is_null() ? std::nullopt
                           : records::Handle::parse(held_for.get_ref<const std::string&>()));
    for (const json& file : journal.at("files")) send.add(parse_file(file));
    send.manifest_ = envelope(journal.at("manifest"));
    // What was signed is what is closed with, and what files were sent for.
    if (records::verify_manifest(*send.manifest_, device).delivery != send.delivery() ||
        send.delivery().text() != folder.filename())
      throw Error(ErrorCode::kMalformed, "it is of another delivery");
    return send;
  } catch (const json::exception&) {
    throw damaged(folder, "it isn't what a send writes");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kFile) throw;
    throw damaged(folder, error.what());
  }
}

bool UnfinishedSend::is_left_behind(const std::filesystem::path& folder) {
  return hold(folder).has_value();
}

bool UnfinishedSend::remove_if_cut(const std::filesystem::path& folder) {
  const FileDescriptor closed = door(folder.parent_path());
  const auto held = hold(folder);
  if (!held || std::filesystem::exists(journal_of(folder))) return false;
  std::filesystem::remove_all(folder);
  return true;
}

void UnfinishedSend::throw_away(const std::filesystem::path& folder) {
  if (const auto held = hold(folder)) std::filesystem::remove_all(folder);
}

std::filesystem::path UnfinishedSend::age_file(const Uuid& file) const {
  return folder_ / (file.text() + ".age");
}

std::filesystem::path UnfinishedSend::index_file(const Uuid& file) const {
  return folder_ / (file.text() + ".index.age");
}

void UnfinishedSend::seal(const crypto::SigningKey& device) {
  records::Manifest manifest{delivery(), cover_.hash, records::now(), {}, {}};
  json files = json::array();
  for (const OutgoingFile& file : files_) {
    manifest.files.push_back(file.file.entry);
    manifest.indexes.push_back(file.index.entry);
    files.push_back({{"file", file.id().text()},
                     {"age", to_json(file.file)},
                     {"index", to_json(file.index)},
                     {"type", file.type},
                     {"checked", file.checked},
                     {"dropped", file.dropped}});
  }
  manifest_ = records::sign_manifest(manifest, device);
  const json journal = {{"cover", json::parse(records::to_json(cover_.envelope))},
                        {"manifest", json::parse(records::to_json(*manifest_))},
                        {"held_for", held_for_ ? json(held_for_->text()) : json(nullptr)},
                        {"files", std::move(files)}};
  write_new_file(journal_of(folder_), as_bytes(journal.dump() + "\n"));
}

std::optional<std::string> UnfinishedSend::upload_of(const Uuid& file) const {
  const auto path = folder_ / (file.text() + ".upload");
  if (!std::filesystem::exists(path)) return std::nullopt;
  return std::string(as_text(read_small_file(path, kMaxTarget)));
}

void UnfinishedSend::set_upload(const Uuid& file, const std::string& target) const {
  replace_file(folder_ / (file.text() + ".upload"), as_bytes(target));
}

void UnfinishedSend::forget_upload(const Uuid& file) const {
  std::filesystem::remove(folder_ / (file.text() + ".upload"));
}

void UnfinishedSend::is_there(const std::filesystem::path& sealed) const {
  std::filesystem::remove(sealed);
}

void UnfinishedSend::check() const {
  for (const OutgoingFile& file : files_) {
    check_bytes(age_file(file.id()), file.file);
    check_bytes(index_file(file.id()), file.index);
  }
}

void UnfinishedSend::remove() const {
  // First what makes it one that can be gone on with: half of it can't.
  std::filesystem::remove(journal_of(folder_));
  std::filesystem::remove_all(folder_);
}

}  // namespace letterbox::client
