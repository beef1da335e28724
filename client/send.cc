#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/addressees.h"
#include "client/answers.h"
#include "client/commands.h"
#include "client/expiry.h"
#include "client/files.h"
#include "client/sealed_upload.h"
#include "client/terminal.h"
#include "crypto/stream.h"
#include "dicom/inspector.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

constexpr const char* kEnvelopeMediaType = "application/vnd.dsse.envelope.v1+json";
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

void check_expiry(const records::Cover& cover, const std::optional<records::Time>& expires) {
  if (expires && cover.expires != *expires)
    throw Error(ErrorCode::kCoverMismatch,
                "the gateway's cover expires at another time than you asked for");
}

std::string post_json(GatewayConnection& gateway, const std::string& target, const json& body) {
  const std::string text = body.dump();
  ViewSource source(as_bytes(text));
  return gateway.post(target, {"application/json", source, text.size()});
}

// --- Sealed on this device ----------------------------------------------------------------------

// 1. The gateway drafts a cover; we read it, judge it, and only then sign it.
records::SignedCover agree_on_cover(GatewayConnection& gateway, const Addressees& addressees,
                                    const records::DeviceRecord& sender,
                                    std::span<const records::DeviceRecord> known,
                                    const std::optional<records::Time>& expires,
                                    const crypto::SigningKey& key) {
  json request = {{"sender", sender.handle.text()}, {"recipients", addressees.texts()}};
  if (expires) request["expires"] = records::to_text(*expires);
  const DraftAnswer draft = parse_draft_answer(post_json(gateway, "/v1/deliveries", request));

  const records::Cover cover = records::parse_cover(draft.cover);
  if (cover.delivery != draft.delivery || cover.version != 1 ||
      cover.sealed_by != records::SealedBy::kDevice || cover.sender != sender.handle)
    throw Error(ErrorCode::kCoverMismatch,
                "the gateway's cover isn't the first one of a delivery that this device sends");
  check_expiry(cover, expires);
  if (draft.devices.empty())
    throw Error(ErrorCode::kCoverMismatch, "the gateway doesn't say whose devices it means");
  addressees.check(cover, known, draft.devices);

  records::SignedCover signed_cover = records::sign_cover(cover, key);
  if (signed_cover.envelope.payload != draft.cover)
    throw Error(ErrorCode::kMalformed, "the gateway's cover isn't in its one form");
  const std::string envelope = records::to_json(signed_cover.envelope);
  ViewSource body(as_bytes(envelope));
  gateway.put("/v1/deliveries/" + cover.delivery.text() + "/cover",
              {kEnvelopeMediaType, body, envelope.size()});
  return signed_cover;
}

// 2. One file: sealed while it is sent, and compared with what the gateway says it stored.
records::ManifestEntry upload(GatewayConnection& gateway, const records::SignedCover& cover,
                              const std::string& path, const std::string& name, bool shown) {
  InputFile plaintext(path, name);
  const Uuid id = Uuid::v7();
  SealedUpload sealed(id, cover, plaintext);
  std::optional<std::uint64_t> total;
  if (plaintext.length()) total = sealed.total_size(*plaintext.length());

  Progress progress("sending " + name, total, shown);
  WatchedSource body(sealed, progress);
  const StoredAnswer stored = parse_stored_answer(
      gateway.post("/v1/deliveries/" + cover.cover.delivery.text() + "/files?id=" + id.text(),
                   {"application/age", body, total}));
  const records::ManifestEntry entry = sealed.entry();
  if (stored.file != entry.id || stored.length != entry.length || stored.sha256 != entry.sha256)
    throw Error(ErrorCode::kIntegrity, "the gateway stored something else than was sent as " +
                                           name +
                                           "; nothing of the "
                                           "delivery becomes visible");
  return entry;
}

// 3. The manifest makes the delivery visible.
records::Envelope close(GatewayConnection& gateway, const records::Manifest& manifest,
                        const crypto::SigningKey& key) {
  records::Envelope envelope = records::sign_manifest(manifest, key);
  const std::string text = records::to_json(envelope);
  ViewSource body(as_bytes(text));
  gateway.post("/v1/deliveries/" + manifest.delivery.text() + "/close",
               {kEnvelopeMediaType, body, text.size()});
  return envelope;
}

void send_sealed(const Session& session, const SendOptions& options, Addressees addressees,
                 const std::optional<records::Time>& expires) {
  const records::DeviceRecord sender = session.home.device_record();
  const TrustedKeys trusted = session.trusted_keys();
  addressees.check_known(trusted.devices);
  if (!options.no_copy) addressees.add(sender.recipient);
  const DeviceKeys keys = session.keys();
  if (!keys.signing_key || keys.signing_key->verify_key() != sender.signing_key)
    throw Error(ErrorCode::kConfiguration, "the key file and the device record in " +
                                               session.home.directory().string() +
                                               " don't belong together");

  GatewayConnection gateway = session.connection();
  const records::SignedCover cover =
      agree_on_cover(gateway, addressees, sender, trusted.devices, expires, *keys.signing_key);
  records::Manifest manifest{cover.cover.delivery, cover.hash, {}, {}, {}};
  for (std::size_t i = 0; i < options.files.size(); ++i)
    manifest.files.push_back(
        upload(gateway, cover, options.files[i], name_of(i, options), !session.json));
  manifest.closed = records::now();
  const records::Envelope envelope = close(gateway, manifest, *keys.signing_key);

  session.home.remember(verify_cover(cover.envelope, trusted), envelope);
  if (session.json)
    std::cout << to_json(cover.cover, manifest) << '\n';
  else
    print(cover.cover, manifest);
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

void send_plain(const Session& session, const SendOptions& options, const Addressees& addressees,
                const std::optional<records::Time>& expires) {
  const TrustedKeys trusted = session.trusted_keys();
  addressees.check_known(trusted.devices);
  GatewayConnection gateway = session.connection();
  std::string target = "/v1/files?";
  for (const std::string& who : addressees.texts()) target += "to=" + query_value(who) + "&";
  if (expires) target += "expires=" + query_value(records::to_text(*expires)) + "&";
  target.pop_back();

  json deliveries = json::array();
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    const std::string name = name_of(i, options);
    InputFile file(options.files[i], name);
    Bytes begin;
    while (begin.size() < kSniffedSize) {
      const ByteView piece = file.next();
      if (piece.empty()) break;
      begin.insert(begin.end(), piece.begin(), piece.end());
    }
    const char* const media_type = media_type_of(begin, name);
    PrefixedSource whole(std::move(begin), file);

    Progress progress("sending " + name, file.length(), !session.json);
    WatchedSource body(whole, progress);
    const SealedAnswer answer =
        parse_sealed_answer(gateway.post(target, {media_type, body, file.length()}));
    const VerifiedDelivery delivery = verify_delivery(answer.delivery, trusted);
    if (delivery.cover.cover().sealed_by != records::SealedBy::kGateway)
      throw Error(ErrorCode::kCoverMismatch, "the cover doesn't say that the gateway sealed it");
    check_expiry(delivery.cover.cover(), expires);
    addressees.check(delivery.cover.cover(), trusted.devices, {});
    const records::ManifestEntry& entry = entry_of(delivery.manifest, answer.stored.file);
    if (delivery.manifest.files.size() != 1 || entry.length != answer.stored.length ||
        entry.sha256 != answer.stored.sha256 ||
        (file.length() && entry.length != crypto::sealed_size(*file.length())))
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
