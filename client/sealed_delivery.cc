#include "client/sealed_delivery.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/sealed_upload.h"
#include "client/spool.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

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

void SealedDelivery::add(Source& plaintext, const std::string& name,
                         const std::optional<std::uint64_t>& size) {
  const bool shown = !us_.session().json;
  const Uuid id = Uuid::v7();
  SealedUpload sealed(id, cover_, plaintext);
  Spool spool = [&] {
    Progress progress("sealing " + name, size ? std::optional(sealed.total_size(*size)) : size,
                      shown);
    WatchedSource watched(sealed, progress);
    return Spool(watched, us_.session().home.directory());
  }();

  Progress progress("sending " + name, spool.length(), shown);
  DescriptorSource spooled = spool.read();
  WatchedSource body(spooled, progress);
  const StoredAnswer stored = parse_stored_answer(us_.gateway().post(
      "/v1/deliveries/" + cover_.cover.delivery.text() + "/files?id=" + id.text(),
      {"application/age", body, spool.length(), spool.sha256()}));
  const records::ManifestEntry entry = sealed.entry();
  if (stored.file != entry.id || stored.length != entry.length || stored.sha256 != entry.sha256)
    throw Error(ErrorCode::kIntegrity, "the gateway stored something else than was sent as " +
                                           name + "; nothing of the delivery becomes visible");
  manifest_.files.push_back(entry);
}

void SealedDelivery::close() {
  manifest_.closed = records::now();
  const records::Envelope envelope = records::sign_manifest(manifest_, us_.signing_key());
  us_.gateway().post("/v1/deliveries/" + manifest_.delivery.text() + "/close", kEnvelopeMediaType,
                     records::to_json(envelope));
  us_.session().home.remember(verify_cover(cover_.envelope, us_.trusted_keys()), envelope);
}

}  // namespace letterbox::client
