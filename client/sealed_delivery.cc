#include "client/sealed_delivery.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/secret.h"
#include "client/answers.h"
#include "client/sealed_upload.h"
#include "client/terminal.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

constexpr std::string_view kAgeMediaType = "application/age";

bool is_sealable(const JudgedDevice& judged) {
  return judged.standing == Standing::kPinned || judged.standing == Standing::kIntroduced;
}

Error untrusted(const records::Device& device) {
  const records::DeviceRecord& record = device.record;
  const std::string how = device.entrance == records::Entrance::kReplacement
                              ? ", in place of all earlier ones and with nobody's word for it"
                              : ", and none that is known here vouches for it";
  return {ErrorCode::kUntrustedKey,
          record.handle.text() + " has a device that isn't known here" + how + ": " +
              record.recipient.text() + ", " + fingerprint_text(record.signing_key) +
              "; compare that with its owner and run letterbox trust " + record.handle.text()};
}

Error unsealable(const std::string& who, const std::string& why) {
  return {ErrorCode::kUnknownRecipient, "nothing can be sealed for " + who + ": " + why};
}

records::SignedCover agree_on_cover(Caller& us, const Addressees& addressees,
                                    const std::vector<records::DeviceRecord>& sealable,
                                    const std::optional<records::Time>& expires) {
  json request = {{"recipients", addressees.texts()}};
  if (expires) request["expires"] = records::to_text(*expires);
  const DraftAnswer draft =
      parse_draft_answer(us.gateway().post("/v1/deliveries", kJsonMediaType, request.dump()));

  const records::Cover cover = records::parse_cover(draft.cover);
  if (cover.delivery != draft.delivery || cover.version != 1 ||
      cover.sealed_by != records::SealedBy::kDevice || cover.sender != us.device().handle)
    throw Error(ErrorCode::kCoverMismatch,
                "the gateway's cover isn't the first one of a delivery that this device sends");
  check_expiry(cover, expires);
  addressees.check(cover, sealable);

  records::SignedCover signed_cover = records::sign_cover(cover, us.signing_key());
  if (signed_cover.envelope.payload != draft.cover)
    throw Error(ErrorCode::kMalformed, "the gateway's cover isn't in its one form");
  us.gateway().put("/v1/deliveries/" + cover.delivery.text() + "/cover", kEnvelopeMediaType,
                   records::to_json(signed_cover.envelope));
  return signed_cover;
}

}  // namespace

void check_expiry(const records::Cover& cover, const std::optional<records::Time>& expires) {
  if (expires && cover.expires != *expires)
    throw Error(ErrorCode::kCoverMismatch,
                "the gateway's cover expires at another time than you asked for");
}

std::vector<records::DeviceRecord> sealable_devices(Caller& us, const Addressees& addressees) {
  std::vector<records::DeviceRecord> sealable;
  for (const auto& handle : addressees.handles()) {
    const std::size_t before = sealable.size();
    for (const JudgedDevice& judged : us.look_up(handle)) {
      if (judged.standing == Standing::kStranger) throw untrusted(judged.device);
      if (is_sealable(judged)) sealable.push_back(judged.device.record);
    }
    if (sealable.size() == before) throw unsealable(handle.text(), "no device of theirs is active");
  }
  for (const auto& device : addressees.devices()) {
    if (device == us.device().recipient) {
      sealable.push_back(us.device());
      continue;
    }
    const records::DeviceRecord* const known = us.known().find(device);
    if (known == nullptr)
      throw unsealable(device.text(),
                       "the device isn't known here; run letterbox trust with the "
                       "handle of its owner");
    const auto judged = us.look_up(records::Handle(known->handle));
    const auto found = std::ranges::find_if(judged, [&](const JudgedDevice& one) {
      return is_sealable(one) && one.device.record.recipient == device;
    });
    if (found == judged.end()) throw unsealable(device.text(), "the device isn't active");
    sealable.push_back(found->device.record);
  }
  return sealable;
}

SealedDelivery::SealedDelivery(Caller& us, const Addressees& addressees,
                               const std::vector<records::DeviceRecord>& sealable,
                               const std::optional<records::Time>& expires)
    : us_(us),
      cover_(agree_on_cover(us, addressees, sealable, expires)),
      manifest_{cover_.cover.delivery, cover_.hash, {}, {}, {}} {}

SpooledFile SealedDelivery::seal(Source& plaintext, const std::string& name,
                                 const std::optional<std::uint64_t>& size) const {
  SealedUpload sealed(Uuid::v7(), cover_, plaintext);
  Progress progress("sealing " + name, size ? std::optional(sealed.total_size(*size)) : size,
                    !us_.session().json);
  WatchedSource watched(sealed, progress);
  // In this order: an entry is known at the end.
  return {Spool(watched, us_.session().home.directory()), sealed.entry()};
}

void SealedDelivery::add(SpooledFile& file, const std::string& name) {
  Progress progress("sending " + name, file.age_file.length(), !us_.session().json);
  DescriptorSource spooled = file.age_file.read();
  WatchedSource body(spooled, progress);
  post("/files", file.entry, {kAgeMediaType, body, file.age_file.length(), file.age_file.sha256()});
  manifest_.files.push_back(file.entry);
}

void SealedDelivery::add_index(const Uuid& file, const records::Index& index) {
  Bytes plaintext = records::index_bytes(index);
  ViewSource source(plaintext);
  SealedUpload sealed(file, cover_, source);
  const Bytes age_file = read_all(sealed, crypto::kMaxHeaderSize + crypto::kRowSize);
  wipe(plaintext);
  const records::ManifestEntry entry = sealed.entry();
  ViewSource body(age_file);
  post("/indexes", entry, {kAgeMediaType, body, age_file.size(), crypto::sha256(age_file)});
  manifest_.indexes.push_back(entry);
}

void SealedDelivery::post(const char* where, const records::ManifestEntry& entry,
                          const RequestBody& age_file) {
  const StoredAnswer stored = parse_stored_answer(us_.gateway().post(
      "/v1/deliveries/" + cover_.cover.delivery.text() + where + "?id=" + entry.id.text(),
      age_file));
  if (stored.file != entry.id || stored.length != entry.length || stored.sha256 != entry.sha256)
    throw Error(ErrorCode::kIntegrity,
                "the gateway stored something else than was sent; nothing of the delivery becomes "
                "visible");
}

void SealedDelivery::close() {
  manifest_.closed = records::now();
  const records::Envelope envelope = records::sign_manifest(manifest_, us_.signing_key());
  us_.gateway().post("/v1/deliveries/" + manifest_.delivery.text() + "/close", kEnvelopeMediaType,
                     records::to_json(envelope));
  us_.session().home.remember(verify_cover(cover_.envelope, us_.trusted_keys()), envelope);
}

void SealedDelivery::abandon() noexcept try {
  us_.gateway().remove("/v1/deliveries/" + cover_.cover.delivery.text());
} catch (const std::exception&) {
  // What went wrong before is what is told.
}

}  // namespace letterbox::client
