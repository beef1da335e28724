#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/secret.h"
#include "client/addressees.h"
#include "client/answers.h"
#include "client/commands.h"
#include "client/expiry.h"
#include "client/files.h"
#include "client/held.h"
#include "client/invite.h"
#include "client/sealed_delivery.h"
#include "client/terminal.h"
#include "crypto/hash.h"
#include "crypto/stream.h"
#include "dicom/media_type.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// A manifest has to fit into an envelope.
constexpr std::size_t kMaxFiles = 5000;
constexpr std::size_t kSniffedSize = 132;

// Payload files are named by their place: their names may name patients.
std::string name_of(std::size_t index, const SendOptions& options) {
  if (options.files[index] == "-") return "standard input";
  return "file " + std::to_string(index + 1) + " of " + std::to_string(options.files.size());
}

json to_json(const records::ManifestEntry& entry) {
  return {{"file", entry.id.text()}, {"length", entry.length}};
}

json to_json(const records::Cover& cover, const records::Manifest& manifest) {
  json files = json::array();
  for (const auto& entry : manifest.files) files.push_back(to_json(entry));
  json recipients = json::array();
  for (const auto& recipient : cover.recipients)
    recipients.push_back(
        {{"handle", recipient.handle.text()}, {"recipient", recipient.recipient.text()}});
  return {{"delivery", cover.delivery.text()},
          {"sealed_by", records::to_text(cover.sealed_by)},
          {"expires", records::to_text(cover.expires)},
          {"recipients", std::move(recipients)},
          {"files", std::move(files)}};
}

void print(const records::Cover& cover, const records::Manifest& manifest) {
  std::cout << "delivery " << cover.delivery.text() << '\n';
  for (const auto& entry : manifest.files) std::cout << "file     " << entry.id.text() << '\n';
  std::cout.flush();
}

// --- Sealed on this device ----------------------------------------------------------------------

void report(const Session& session, const SealedDelivery& delivery) {
  if (session.json)
    std::cout << to_json(delivery.cover(), delivery.manifest()) << '\n';
  else
    print(delivery.cover(), delivery.manifest());
}

SealedDelivery seal_and_send(Caller& us, const SendOptions& options, const Addressees& addressees,
                             const std::optional<records::Time>& expires) {
  SealedDelivery delivery(us, addressees, sealable_devices(us, addressees), expires);
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    InputFile file(options.files[i], name_of(i, options));
    delivery.add(file, name_of(i, options), file.length());
  }
  delivery.close();
  return delivery;
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
void invite_and_hold(Caller& us, const SendOptions& options, const records::Handle& absent,
                     const std::optional<records::Time>& expires) {
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
  const SealedDelivery delivery =
      seal_and_send(us, options, Addressees({us.device().handle.text()}), expires);
  remember(us.session().home, {delivery.cover().delivery, absent});
  notice("the letter is sealed for your own devices alone and held for " + absent.text() +
             "; when they have enrolled, compare their fingerprint with letterbox trust " +
             absent.text() + ", which sends it on",
         us.session().json);
  report(us.session(), delivery);
}

void send_sealed(const Session& session, const SendOptions& options, Addressees addressees,
                 const std::optional<records::Time>& expires) {
  Caller us(session);
  us.check_active();
  if (const auto absent = find_absent(us, addressees))
    return invite_and_hold(us, options, *absent, expires);
  if (!options.no_copy) addressees.add(us.device().recipient);
  report(session, seal_and_send(us, options, addressees, expires));
}

// --- Sealed at the gateway ----------------------------------------------------------------------

const char* media_type_of(ByteView first_bytes, const std::string& name) {
  const auto type = dicom::sniff(first_bytes);
  if (!type)
    throw Error(ErrorCode::kUnsupportedMediaType,
                name + " isn't DICOM, JPEG or PNG; the gateway seals nothing else");
  switch (*type) {
    case dicom::MediaType::kDicom:
      return "application/dicom";
    case dicom::MediaType::kJpeg:
      return "image/jpeg";
    case dicom::MediaType::kPng:
      return "image/png";
  }
  return "";
}

// Plaintext isn't spooled: it is read once for its digest, and once more to be sent.
struct Measured {
  std::uint64_t length = 0;
  Digest sha256{};
  const char* media_type = "";
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
    if (delivery.cover.cover().sealed_by != records::SealedBy::kGateway)
      throw Error(ErrorCode::kCoverMismatch, "the cover doesn't say that the gateway sealed it");
    check_expiry(delivery.cover.cover(), expires);
    addressees.check(delivery.cover.cover(), sealable);
    if (delivery.cover.cover().sender != us.device().handle)
      throw Error(ErrorCode::kCoverMismatch, "the cover doesn't say that you sent it");
    const records::ManifestEntry& entry = entry_of(delivery.manifest.files, answer.stored.file);
    if (delivery.manifest.files.size() != 1 || entry.length != answer.stored.length ||
        entry.sha256 != answer.stored.sha256 ||
        entry.length != crypto::sealed_size(measured.length))
      throw Error(ErrorCode::kIntegrity, "the gateway's manifest isn't that of " + name);
    session.home.remember(delivery.cover, delivery.manifest_envelope);

    if (session.json)
      deliveries.push_back(to_json(delivery.cover.cover(), delivery.manifest));
    else
      print(delivery.cover.cover(), delivery.manifest);
  }
  if (session.json) std::cout << json{{"deliveries", std::move(deliveries)}} << '\n';
}

}  // namespace

void send(const Session& session, const SendOptions& options) {
  if (options.files.size() > kMaxFiles)
    throw Error(ErrorCode::kUsage, "a delivery holds at most 5000 files; send them in several");
  if (std::ranges::count(options.files, "-") > 1)
    throw Error(ErrorCode::kUsage, "standard input can be sent once");
  if (options.invite && (options.seal_at_gateway || options.no_copy))
    throw Error(ErrorCode::kUsage,
                "--invite seals for your own devices; it excludes --seal-at-gateway and --no-copy");
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
