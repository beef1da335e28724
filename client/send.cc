#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/secret.h"
#include "client/addressees.h"
#include "client/answers.h"
#include "client/checked_file.h"
#include "client/commands.h"
#include "client/expiry.h"
#include "client/files.h"
#include "client/finish_send.h"
#include "client/invite.h"
#include "client/outgoing.h"
#include "client/reading.h"
#include "client/sealed_delivery.h"
#include "client/send_report.h"
#include "client/terminal.h"
#include "client/unfinished_send.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"
#include "dicom/inspector.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// A manifest has to fit into an envelope.
constexpr std::size_t kMaxFiles = 4000;
constexpr std::size_t kSniffedSize = 132;

// Payload files are named by their place: their names may name patients.
std::string name_of(std::size_t index, const SendOptions& options) {
  if (options.files[index] == "-") return "standard input";
  return "file " + std::to_string(index + 1) + " of " + std::to_string(options.files.size());
}

// --- Sealed on this device ----------------------------------------------------------------------

// What is sealed lies in the home until the gateway has it.
void check_room(const Home& home, const SendOptions& options) {
  std::uint64_t needed = 0;
  for (const std::string& path : options.files)
    if (std::filesystem::is_regular_file(path))
      needed += crypto::sealed_size(std::filesystem::file_size(path)) + crypto::kMaxHeaderSize;
  const std::uint64_t free = std::filesystem::space(home.outgoing()).available;
  if (needed > free)
    throw Error(ErrorCode::kFile,
                "there isn't enough room in " + home.directory().string() + ": " +
                    human_size(needed) +
                    " are needed, where files lie sealed until they are sent, and " +
                    human_size(free) + " are free");
}

UnfinishedSend seal_all(Caller& us, const SendOptions& options, Handling& handling,
                        const Addressees& addressees, const std::optional<records::Time>& expires,
                        const std::optional<records::Handle>& held_for) {
  const Home& home = us.session().home;
  check_room(home, options);
  UnfinishedSend send(
      home, agree_on_cover(us, addressees, sealable_devices(us, addressees), expires), held_for);
  try {
    open_delivery(us, send.cover());
    for (std::size_t i = 0; i < options.files.size(); ++i)
      send.add(seal_outgoing(send, options.files[i], name_of(i, options), handling));
    send.seal(us.signing_key());
  } catch (const Error& error) {
    // Who can't be reached isn't waited for twice.
    error.code() == ErrorCode::kNetwork ? send.remove() : abandon(us, send);
    throw;
  }
  return send;
}

// Nothing goes out before everything is sealed: a file that can't be sent stops all of them, and
// what is cut off after that can be gone on with.
void seal_and_send(Caller& us, const SendOptions& options, Handling& handling,
                   const Addressees& addressees, const std::optional<records::Time>& expires,
                   const std::optional<records::Handle>& held_for = std::nullopt) {
  const UnfinishedSend send = seal_all(us, options, handling, addressees, expires, held_for);
  finish(us, send);
  report(us.session(), send);
}

// The first who was asked for and has never enrolled.
std::optional<records::Handle> find_absent(Caller& us, const Addressees& addressees) {
  for (const auto& handle : addressees.handles()) {
    try {
      us.look_up(handle);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
      return handle;
    }
  }
  return std::nullopt;
}

// The invitation comes first: that it is made in vain costs less than a letter that nobody will
// ever ask for.
void invite_and_hold(Caller& us, const SendOptions& options, Handling& handling,
                     const records::Handle& absent, const std::optional<records::Time>& expires) {
  if (!options.invite)
    throw Error(ErrorCode::kNotFound,
                "nobody of the handle " + absent.text() +
                    " is enrolled; with --invite they are invited, and the letter is held until "
                    "they are");
  if (options.to.size() != 1)
    throw Error(ErrorCode::kUsage, absent.text() +
                                       " isn't enrolled yet; invite them with a send "
                                       "of their own");
  const auto output =
      *options.invite == "-" ? std::optional<std::filesystem::path>() : options.invite;
  invite(us, absent, output);
  seal_and_send(us, options, handling, Addressees({us.device().handle.text()}), expires, absent);
}

// Before anything is sent: nobody's photo goes out, and nothing is said in vain.
void check_descriptions(const SendOptions& options, const Handling& handling) {
  bool may_have_photo = std::ranges::count(options.files, "-") > 0;
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    if (options.files[i] == "-") continue;
    const std::string name = name_of(i, options);
    const auto kind = kind_of_file(options.files[i], name);
    if (!kind) continue;
    check_described(*kind, handling, name);
    may_have_photo |= *kind != dicom::MediaType::kDicom;
  }
  if ((handling.photos || handling.as_dicom) && !may_have_photo)
    throw Error(
        ErrorCode::kUsage,
        "there is no photo that this could be meant for; DICOM says for itself whose it is");
}

void send_sealed(const Session& session, const SendOptions& options, Addressees addressees,
                 const std::optional<records::Time>& expires) {
  // What it forks shares this process's memory: before there is a key in it.
  const auto inspector = dicom::make_inspector();
  Handling handling{*inspector, describe_photos(options.label), options.as_dicom, options.attach,
                    !session.json};
  check_descriptions(options, handling);
  Caller us(session);
  us.check_active();
  if (const auto absent = find_absent(us, addressees))
    return invite_and_hold(us, options, handling, *absent, expires);
  if (!options.no_copy) addressees.add(us.device().recipient);
  seal_and_send(us, options, handling, addressees, expires);
}

// --- Sealed at the gateway ----------------------------------------------------------------------

std::string_view media_type_of(ByteView first_bytes, const std::string& name) {
  const auto type = dicom::sniff(first_bytes);
  if (!type)
    throw Error(ErrorCode::kUnsupportedMediaType,
                name + " isn't DICOM, JPEG or PNG; the gateway seals nothing else");
  if (*type != dicom::MediaType::kDicom)
    throw Error(ErrorCode::kUsage,
                name +
                    " is a photo, and what it shows is said under the seal; leave out "
                    "--seal-at-gateway");
  return dicom::to_text(*type);
}

// Plaintext isn't spooled: it is read once for its digest, and once more to be sent.
struct Measured {
  std::uint64_t length = 0;
  Digest sha256{};
  std::string_view media_type;
};

Measured measure(const std::string& path, const std::string& name) {
  InputFile file(path, name);
  Measured measured;
  crypto::Sha256 hash;
  Bytes begin;
  for (ByteView piece = file.next(); !piece.empty(); piece = file.next()) {
    const ByteView missing =
        piece.first(std::min(piece.size(), kSniffedSize - std::min(begin.size(), kSniffedSize)));
    begin.insert(begin.end(), missing.begin(), missing.end());
    hash.update(piece);
    measured.length += piece.size();
  }
  measured.sha256 = hash.finish();
  measured.media_type = media_type_of(begin, name);
  wipe(begin);
  return measured;
}

void send_plain(const Session& session, const SendOptions& options, const Addressees& addressees,
                const std::optional<records::Time>& expires) {
  if (std::ranges::count(options.files, "-") > 0)
    throw Error(ErrorCode::kUsage,
                "what the gateway is to seal is read twice, and standard input can't be; name a "
                "file");
  Caller us(session);
  us.check_active();
  const std::vector<records::DeviceRecord> sealable = sealable_devices(us, addressees);
  const TrustedKeys trusted = us.trusted_keys();
  std::string target = "/v1/files?";
  for (const std::string& who : addressees.texts()) target += "to=" + query_value(who) + "&";
  if (expires) target += "expires=" + query_value(records::to_text(*expires)) + "&";
  target.pop_back();

  json deliveries = json::array();
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    const std::string name = name_of(i, options);
    const Measured measured = measure(options.files[i], name);
    InputFile file(options.files[i], name);
    Progress progress("sending " + name, measured.length, !session.json);
    WatchedSource body(file, progress);
    const SealedAnswer answer = parse_sealed_answer(
        us.gateway().post(target, {measured.media_type, body, measured.length, measured.sha256}));
    const VerifiedDelivery delivery = verify_delivery(answer.delivery, trusted);
    if (delivery.cover().cover().sealed_by != records::SealedBy::kGateway)
      throw Error(ErrorCode::kCoverMismatch, "the cover doesn't say that the gateway sealed it");
    check_expiry(delivery.cover().cover(), expires);
    addressees.check(delivery.cover().cover(), sealable);
    if (delivery.cover().cover().sender != us.device().handle)
      throw Error(ErrorCode::kCoverMismatch, "the cover doesn't say that you sent it");
    const records::ManifestEntry& entry = entry_of(delivery.manifest.files, answer.stored.file);
    if (delivery.manifest.files.size() != 1 || entry.length != answer.stored.length ||
        entry.sha256 != answer.stored.sha256 ||
        entry.length != crypto::sealed_size(measured.length))
      throw Error(ErrorCode::kIntegrity, "the gateway's manifest isn't that of " + name);
    session.home.remember(delivery);

    if (session.json)
      deliveries.push_back(to_json(delivery.cover().cover(), json::array({to_json(entry)})));
    else
      std::cout << "delivery " << delivery.cover().cover().delivery.text() << "\nfile     "
                << entry.id.text() << std::endl;
  }
  if (session.json) std::cout << json{{"deliveries", std::move(deliveries)}} << '\n';
}

}  // namespace

void send(const Session& session, const SendOptions& options) {
  if (options.resume || options.discard) {
    if (!options.files.empty() || !options.to.empty() || (options.resume && options.discard))
      throw Error(ErrorCode::kUsage,
                  "--resume or --discard is about what was begun earlier; leave out all else");
    return options.resume ? resume_sends(session) : discard_sends(session);
  }
  if (options.files.empty() || options.to.empty())
    throw Error(ErrorCode::kUsage, std::string(options.files.empty() ? "FILE" : "--to") +
                                       " is required; see letterbox --help");
  if (options.files.size() > kMaxFiles)
    throw Error(ErrorCode::kUsage, "a delivery holds at most 4000 files; send them in several");
  if (std::ranges::count(options.files, "-") > 1)
    throw Error(ErrorCode::kUsage, "standard input can be sent once");
  if (options.invite && (options.seal_at_gateway || options.no_copy))
    throw Error(ErrorCode::kUsage,
                "--invite seals for your own devices; it excludes --seal-at-gateway and --no-copy");
  if (options.seal_at_gateway &&
      (options.attach || options.as_dicom || describe_photos(options.label)))
    throw Error(ErrorCode::kUsage,
                "the gateway seals what it checked alone, and can't say what a photo shows; "
                "--attach, --as-dicom and --patient and the like exclude --seal-at-gateway");
  // A photo that DICOM can't take would go out with all its metadata.
  if (options.attach && options.as_dicom)
    throw Error(ErrorCode::kUsage, "--attach and --as-dicom exclude each other");
  std::optional<records::Time> expires;
  if (options.expires) expires = parse_expiry(*options.expires, records::now());
  const Addressees addressees(options.to);
  for (std::size_t i = 0; i < options.files.size(); ++i)
    if (options.files[i] != "-") check_readable(options.files[i], name_of(i, options));
  if (options.seal_at_gateway)
    send_plain(session, options, addressees, expires);
  else
    send_sealed(session, options, addressees, expires);
}

}  // namespace letterbox::client
