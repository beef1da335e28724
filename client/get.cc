#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/acknowledge.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/delivery_access.h"
#include "client/file_names.h"
#include "client/file_stream.h"
#include "client/files.h"
#include "client/found_delivery.h"
#include "client/got_files.h"
#include "client/letter_view.h"
#include "client/listed_file.h"
#include "client/parallel.h"
#include "client/partial_download.h"
#include "client/several_at_once.h"
#include "client/terminal.h"
#include "client/verified_output.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// Fewer small files than this are asked for one by one: a stream of them saves nothing.
constexpr std::size_t kWorthAStream = 4;

// Bytes on their way, copied into a file as they pass.
class CopiedSource final : public Source {
 public:
  CopiedSource(Source& source, VerifiedOutput& copy) : source_(source), copy_(copy) {}
  ByteView next() override {
    const ByteView piece = source_.next();
    copy_.write(piece);
    return piece;
  }

 private:
  Source& source_;
  VerifiedOutput& copy_;
};

// As release does it, for the age file itself: it is opened only to be verified.
std::filesystem::path keep_sealed(Source& age_file, const Opening& open,
                                  const Destination& destination, const std::string& covers,
                                  const std::filesystem::path& spool_directory) {
  const bool to_stdout = destination.standard_output;
  VerifiedOutput file(to_stdout ? spool_directory : destination.directory);
  CopiedSource copied(age_file, file);
  const auto plaintext = open(copied);
  while (!plaintext->next().empty()) {
  }
  if (to_stdout) {
    DescriptorSource again(file.read_back(), "the spooled file");
    for (ByteView piece = again.next(); !piece.empty(); piece = again.next())
      write_all(STDOUT_FILENO, piece, "standard output");
    return {};
  }
  std::filesystem::path path = destination.directory / destination.name.value();
  const std::filesystem::path cover_path = path.string() + ".cover.json";
  destination.before_naming(file.descriptor());
  file.keep(path, destination.overwrite);
  try {
    (destination.overwrite ? replace_file : write_new_file)(cover_path, as_bytes(covers));
  } catch (const Error&) {
    std::filesystem::remove(path);
    throw;
  }
  return path;
}

Destination destination_of(const GetOptions& options, const Uuid& file, const std::string& stem) {
  Destination destination{.standard_output = options.output == "-",
                          .directory = options.output_directory.value_or(""),
                          .name = std::nullopt,
                          .stem = stem,
                          .overwrite = options.force};
  if (options.output && !destination.standard_output) {
    const std::filesystem::path path = *options.output;
    destination.directory = path.parent_path();
    destination.name = path.filename();
  } else if (options.sealed) {
    // What stays sealed keeps the name that the gateway knows it by.
    destination.name = file.text() + ".age";
  }
  return destination;
}

void check_options(const GetOptions& options) {
  if (options.output && options.output_directory)
    throw Error(ErrorCode::kUsage, "-o and --output-dir exclude each other");
}

struct Gotten {
  const ListedFile& file;
  std::filesystem::path path;  ///< empty for standard output
};

std::map<Uuid, std::string> stems_of(const std::vector<ListedFile>& files) {
  std::map<Uuid, std::optional<std::string>> names;
  for (const ListedFile& file : files)
    names.emplace(file.file, file.index ? file.index->name : std::nullopt);
  return client::stems_of(names);
}

// A stream of files that several threads take from, by turns. However it ends, it has only ended:
// what it didn't bring is asked for file by file, and that tries again, and says why.
class SharedStream {
 public:
  explicit SharedStream(FileStream& stream) : stream_(stream) {}

  std::optional<AgeFile> next() {
    const std::lock_guard lock(mutex_);
    if (has_ended_) return std::nullopt;
    has_ended_ = true;  // if it throws, it is spent
    try {
      auto file = stream_.next();
      has_ended_ = !file;
      return file;
    } catch (const Error&) {
      // Nothing of our own disk is in this: it is the line, or what came over it.
      return std::nullopt;
    }
  }
  void end() {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }

 private:
  FileStream& stream_;
  std::mutex mutex_;
  bool has_ended_ = false;
};

// The files that are wanted of a delivery, and where each went.
class Getting {
 public:
  Getting(Caller& us, const DeliveryAccess& access, const GetOptions& options,
          const std::vector<ListedFile>& files)
      : us_(us),
        access_(access),
        options_(options),
        got_(us.session().home, access.delivery().manifest.delivery) {
    const std::map<Uuid, std::string> stems = stems_of(files);
    for (const ListedFile& file : files) {
      const Destination destination = destination_of(options, file.file, stems.at(file.file));
      const auto path = got_.find(file.file, possible_paths(destination));
      const auto& entry = entry_of(access.delivery().manifest.files, file.file);
      wanted_.push_back({file, entry, destination, path});
      // Before the name: a get that is killed in between would find a file in its way, and not know
      // it for its own.
      if (files.size() > 1)
        wanted_.back().destination.before_naming = [this, &file](int descriptor) {
          got_.add(file.file, descriptor);
        };
    }
  }

  /// Opens each file that isn't there while it comes, several at a time, and names it once it
  /// proved to be what the manifest says.
  void get() {
    std::vector<Wanted*> due;
    std::uint64_t length = 0;
    for (Wanted& one : wanted_) {
      if (one.path) continue;
      due.push_back(&one);
      length += one.entry.length;
    }
    Progress progress(
        due.size() == 1 ? "getting a file" : "getting " + std::to_string(due.size()) + " files",
        length, !us_.session().json);
    get_streamed(progress);
    std::erase_if(due, [](const Wanted* one) { return one->path.has_value(); });
    several_at_once(us_, due.size(),
                    [&](std::size_t i, GatewayConnection& gateway, const std::stop_token& stop) {
                      get(*due[i], gateway, progress, stop);
                    });
    got_.forget();
  }

  std::vector<Gotten> gotten() const {
    std::vector<Gotten> gotten;
    for (const Wanted& one : wanted_) gotten.push_back({one.file, one.path.value()});
    return gotten;
  }

 private:
  struct Wanted {
    const ListedFile& file;
    const records::ManifestEntry& entry;
    Destination destination;
    std::optional<std::filesystem::path> path;  // where it is
  };

  // Gets the small ones in one stream, as far as it brings them.
  void get_streamed(Progress& progress) {
    std::map<Uuid, Wanted*> small;
    for (Wanted& one : wanted_)
      if (one.entry.length <= kSmallPayload) small.emplace(one.file.file, &one);
    // A get that was cut off took them in this order, and goes on behind the last one.
    std::optional<Uuid> after;
    for (const auto& [file, one] : small)
      if (one->path) after = file;
    if (after) small.erase(small.begin(), small.upper_bound(*after));
    if (small.size() < kWorthAStream) return;

    std::unique_ptr<Source> answer;
    try {
      answer = access_.small_files(us_.gateway(), kSmallPayload, after);
    } catch (const Error&) {
      // An older gateway has none. Whatever else it is, asking for a file says so.
    }
    if (!answer) return;
    ManifestEntries entries;
    for (const auto& [file, one] : small) entries.push_back(one->entry);
    FileStream files(*answer, kSmallFiles, std::move(entries));
    SharedStream stream(files);
    in_parallel(small.size(), [&](std::size_t, const std::stop_token&) {
      return [&](std::size_t) {
        const auto came = stream.next();
        if (came) take_streamed(*small.at(came->file), *came, stream, progress);
      };
    });
  }

  void take_streamed(Wanted& one, const AgeFile& came, SharedStream& stream, Progress& progress) {
    try {
      ViewSource age_file(came.bytes);
      one.path = open(one, age_file, progress);
    } catch (const Refused&) {
      // Alone it may come as it must be, or under the headers before, which then hold for all.
      stream.end();
    }
  }

  void get(Wanted& one, GatewayConnection& gateway, Progress& progress,
           const std::stop_token& stop) {
    auto partial = PartialDownload::of(us_.session().home, one.entry);
    const bool has_earlier = partial && partial->length() > 0;
    try {
      one.path = fetch(one, gateway, partial ? &*partial : nullptr, progress, stop);
    } catch (const Refused&) {
      if (partial) partial->remove();
      // It may be what a disk made of what came earlier, and the gateway may have it right.
      if (!has_earlier) throw;
      one.path = fetch(one, gateway, nullptr, progress, stop);
    }
    if (partial) partial->remove();
  }

  std::filesystem::path fetch(const Wanted& one, GatewayConnection& gateway,
                              PartialDownload* partial, Progress& progress,
                              const std::stop_token& stop) {
    return open(one, *access_.age_file(gateway, one.file.file, partial, stop), progress);
  }

  // Has the file appear where it is wanted, once it proved to be what the manifest says.
  std::filesystem::path open(const Wanted& one, Source& comes, Progress& progress) {
    const auto& manifest = access_.delivery().manifest;
    const Opening opening = [&](Source& age_file) {
      return std::make_unique<OpenedFile>(age_file, us_.keys().identities, access_.cover(),
                                          &manifest.files, &one.file.file);
    };
    const std::filesystem::path& spool = us_.session().home.directory();
    WatchedSource age_file(comes, progress);
    try {
      if (!options_.sealed) return release(age_file, opening, one.destination, spool);
      return keep_sealed(age_file, opening, one.destination,
                         covers_text(access_.delivery().chain, access_.cover()), spool);
    } catch (const Error&) {
      progress.take_back(age_file.taken());
      throw;
    }
  }

  Caller& us_;
  const DeliveryAccess& access_;
  const GetOptions& options_;
  GotFiles got_;
  std::vector<Wanted> wanted_;
};

// What was verified, to people or programs; on standard error where the content has the output.
void report(const DeliveryAccess& access, const std::vector<Gotten>& gotten, bool as_json,
            std::ostream& out) {
  const VerifiedChain& chain = access.delivery().chain;
  const records::Cover& cover = access.cover().cover();
  if (as_json) {
    json files = json::array();
    for (const Gotten& one : gotten)
      files.push_back({{"file", one.file.file.text()},
                       {"path", one.path.empty() ? json(nullptr) : json(one.path.string())},
                       {"index", index_json(one.file)}});
    out << json{{"delivery", cover.delivery.text()},
                {"sender", cover.sender.text()},
                {"sealed_by", records::to_text(cover.sealed_by)},
                {"sealer_revoked", chain.first().maker_is_revoked()},
                {"version", cover.version},
                {"newest_version", chain.last().cover().version},
                {"shared_by", sharers_of(chain)},
                {"files", std::move(files)}}
        << '\n';
    return;
  }
  for (const Gotten& one : gotten) {
    if (!one.path.empty()) out << one.path.string() << '\n';
    if (one.file.index) print_what_it_shows(*one.file.index, "  ", out);
  }
  out << "verified: from " << cover.sender.text() << ", sealed by " << sealer_of(chain) << ", "
      << records::to_text(chain.first().cover().created);
  if (const auto sharers = sharers_of(chain); !sharers.empty())
    out << ", shared on by " << joined(sharers);
  out << '\n';
}

}  // namespace

void get(const Session& session, const GetOptions& options) {
  const auto id = Uuid::parse(options.id);
  if (!id) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery or a file (a UUIDv7)");
  check_options(options);

  // 1. Who says what the delivery is, and for whom: before anything is fetched.
  Caller us(session);
  us.check_active();
  const FoundDelivery wanted = find_delivery(us.gateway(), *id);
  const VerifiedDelivery delivery = us.verify(wanted.delivery);
  check_listed(delivery.chain, std::array{us.device().recipient});
  DeliveryAccess access(us, delivery);
  const std::vector<ListedFile> files = listed_files(access, wanted.file);
  if (options.output && files.size() != 1)
    throw Error(ErrorCode::kUsage, "the delivery holds " + std::to_string(files.size()) +
                                       " files; say --output-dir DIR, or get one by its id");
  session.home.remember(delivery);

  // 2. The files.
  PartialDownload::remove_old(session.home);
  Getting getting(us, access, options, files);
  access.opened([&] { getting.get(); });
  const std::vector<Gotten> gotten = getting.gotten();

  // 3. What others are told of it. Nothing that fails here undoes what was verified.
  const bool is_whole = files.size() == delivery.manifest.files.size() &&
                        std::ranges::none_of(files, &ListedFile::is_missing);
  if (is_whole && !access.has_fallen_back()) confirm_version(us, delivery);
  if (is_whole && !options.sealed && !options.no_receipt && session.home.sends_receipts())
    send_receipt(us, delivery);
  report(access, gotten, session.json, options.output == "-" ? std::cerr : std::cout);
}

}  // namespace letterbox::client
