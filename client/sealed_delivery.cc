#include "client/sealed_delivery.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/secret.h"
#include "client/answers.h"
#include "client/sealed_upload.h"
#include "client/spool.h"
#include "client/terminal.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/stream.h"

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

// A file that is cut off on the way has no name, and with the process it is gone.
SealedBytes spooled(const UnfinishedSend& send, Source& bytes, SealedUpload& sealed,
                    const std::filesystem::path& path) {
  Spool spool(bytes, send.folder());
  spool.keep(path);
  return {spool.length(), spool.sha256(), sealed.entry()};
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
  return signed_cover;
}

void open_delivery(Caller& us, const records::SignedCover& cover) {
  us.gateway().put("/v1/deliveries/" + cover.cover.delivery.text() + "/cover", kEnvelopeMediaType,
                   records::to_json(cover.envelope));
}

SealedBytes seal_file(const UnfinishedSend& send, Source& plaintext, const std::string& name,
                      const std::optional<std::uint64_t>& size, bool show_progress) {
  const Uuid file = Uuid::v7();
  SealedUpload sealed(file, send.cover(), plaintext);
  Progress progress("sealing " + name, size ? std::optional(sealed.total_size(*size)) : size,
                    show_progress);
  WatchedSource watched(sealed, progress);
  return spooled(send, watched, sealed, send.age_file(file));
}

SealedBytes seal_index(const UnfinishedSend& send, const Uuid& file, const records::Index& index) {
  Bytes plaintext = records::index_bytes(index);
  ViewSource source(plaintext);
  SealedUpload sealed(file, send.cover(), source);
  const SealedBytes bytes = spooled(send, sealed, sealed, send.index_file(file));
  wipe(plaintext);
  return bytes;
}

}  // namespace letterbox::client
