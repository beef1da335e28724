#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/passphrase.h"
#include "client/reading.h"
#include "client/verified_output.h"
#include "crypto/header.h"
#include "crypto/passphrase_file.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

bool has_stanza(const crypto::Header& header, std::string_view type) {
  for (const crypto::Stanza& stanza : header.stanzas)
    if (stanza.arguments.front() == type) return true;
  return false;
}

// The cover that a header names, with those before it: the given ones, those beside the file, or
// some that were verified earlier. Whichever they are, they must verify again, and end with the
// one.
VerifiedChain find_covers(const Session& session, const OpenOptions& options,
                          const crypto::CoverHash& hash) {
  std::vector<records::Envelope> covers;
  const std::filesystem::path beside = options.file + ".cover.json";
  if (options.cover)
    covers = read_covers(*options.cover);
  else if (options.file != "-" && std::filesystem::exists(beside))
    covers = read_covers(beside);
  else
    covers = session.home.covers(hash);
  if (covers.empty())
    throw Refused(checks::kHeaderCover, ErrorCode::kCoverMismatch,
                  "the file is sealed under a cover that isn't here; say --cover COVER.json, or "
                  "get the file from the gateway");
  VerifiedChain chain(covers, session.trusted_keys());
  if (chain.last().hash() != hash)
    throw Refused(checks::kHeaderCover, ErrorCode::kCoverMismatch,
                  "it names another cover than the one that was found");
  return chain;
}

crypto::FileKey unwrap_uncovered(const Session& session, const OpenOptions& options,
                                 const crypto::Header& header) {
  if (has_stanza(header, "scrypt"))
    return crypto::unwrap(header,
                          read_passphrase(session.passphrase_file, "Passphrase of the file: "));
  const DeviceKeys keys =
      read_key_file(options.identity.value_or(session.home.key_file()), session.passphrase_file);
  return crypto::unwrap(header, keys.identities);
}

Destination destination_of(const OpenOptions& options) {
  Destination destination;
  destination.overwrite = options.force;
  const std::string output = options.output.value_or(options.file == "-" ? "-" : "");
  destination.standard_output = output == "-";
  if (destination.standard_output) return destination;
  std::filesystem::path path = output;
  if (output.empty()) {
    path = options.file;
    if (path.extension() != ".age")
      throw Error(ErrorCode::kUsage, "say -o OUT: the file's name doesn't end in .age");
    path.replace_extension();
    if (!path.has_extension()) {
      destination.directory = path.parent_path();
      destination.stem = path.filename().string();
      return destination;
    }
  }
  destination.directory = path.parent_path();
  destination.name = path.filename();
  return destination;
}

void report(const std::filesystem::path& path, const VerifiedChain* chain, bool has_manifest,
            bool as_json) {
  const bool to_stdout = path.empty();
  std::ostream& out = to_stdout ? std::cerr : std::cout;
  if (as_json) {
    json result = {{"path", to_stdout ? json(nullptr) : json(path.string())},
                   {"verified", chain != nullptr},
                   {"manifest", has_manifest}};
    if (chain != nullptr) {
      const records::Cover& cover = chain->last().cover();
      result["delivery"] = cover.delivery.text();
      result["sender"] = cover.sender.text();
      result["sealed_by"] = records::to_text(cover.sealed_by);
    }
    out << result << '\n';
    return;
  }
  if (!to_stdout) out << path.string() << '\n';
  if (chain == nullptr) {
    std::cerr << "unverified: the file has no cover, so nothing says who sealed it and for whom\n";
    return;
  }
  std::cerr << "verified: from " << chain->last().cover().sender.text() << ", sealed by "
            << sealer_of(*chain)
            << (has_manifest ? ""
                             : "; its manifest isn't here, so another recipient of the delivery "
                               "could have made the content")
            << '\n';
}

}  // namespace

void open(const Session& session, const OpenOptions& options) {
  const Destination destination = destination_of(options);
  InputFile input(options.file, options.file == "-" ? "standard input" : "the file");
  crypto::Dearmor age_file(input);
  Bytes rest;
  const crypto::Header header = read_age_header(age_file, rest);

  // 1. Without a cover stanza it is an ordinary age file. One that is there and can't be read is
  //    no reason to believe less carefully.
  const auto hash = crypto::named_cover(header);
  if (!hash && has_stanza(header, crypto::kCoverStanzaType))
    throw Refused(checks::kHeaderCover, ErrorCode::kCoverMismatch,
                  "its cover stanza isn't in its form or place");
  if (!hash) {
    const crypto::FileKey file_key =
        uncovered_file_key([&] { return unwrap_uncovered(session, options, header); });
    PrefixedSource payload(std::move(rest), age_file);
    const Opening open_uncovered = [&](Source& source) {
      return std::make_unique<UncoveredFile>(file_key, source);
    };
    report(release(payload, open_uncovered, destination, session.home.directory()), nullptr, false,
           session.json);
    return;
  }

  // 2. With one: the covers first, then its manifest if we kept it, then the file under both.
  const VerifiedChain chain = find_covers(session, options, *hash);
  std::optional<records::Manifest> manifest;
  if (const auto kept = session.home.manifest(chain.first().hash()))
    manifest = verify_manifest(*kept, chain);
  const DeviceKeys keys =
      read_key_file(options.identity.value_or(session.home.key_file()), session.passphrase_file);
  Bytes front = header.bytes;
  front.insert(front.end(), rest.begin(), rest.end());
  PrefixedSource whole(std::move(front), age_file);
  const Opening open_covered = [&](Source& source) {
    return std::make_unique<OpenedFile>(source, keys.identities, chain.last(),
                                        manifest ? &manifest->files : nullptr, nullptr);
  };
  report(release(whole, open_covered, destination, session.home.directory()), &chain,
         manifest.has_value(), session.json);
}

}  // namespace letterbox::client
