#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/inbox.h"
#include "client/revoke.h"
#include "client/terminal.h"
#include "records/deletion_receipt.h"
#include "records/receipt.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// One of the devices that a delivery is for, or was.
struct SentTo {
  records::Handle handle;
  crypto::X25519Recipient recipient;
  /// "waiting", "collected", "opened"; "opened, unverified", where a receipt came that nothing here
  /// bears out; "dropped", where somebody changed the recipients; "expired" or "revoked", where it
  /// was never collected.
  std::string state;
  std::optional<records::Time> collected;  ///< the gateway's word
  std::optional<records::Time> opened;     ///< the device's, verified
  bool is_unverified = false;
  /// Whether somebody who is known here answers for it (Caller::unvouched).
  bool is_vouched = true;
};

struct SentDelivery {
  Uuid delivery;
  SentState state;
  records::Time created;
  records::Time expires;
  std::uint64_t files;
  std::uint64_t bytes;
  std::uint32_t version;
  std::vector<SentTo> devices;
  std::optional<records::DeletionReceipt> deleted;
};

// The signing key of a device that the cover lists, if this device knows it.
std::optional<crypto::VerifyKey> key_of(Caller& us, const records::CoverRecipient& listed) {
  const auto found = [&]() -> std::optional<crypto::VerifyKey> {
    const TrustedKeys trusted = us.trusted_keys();
    for (const auto* devices : {&trusted.devices, &trusted.revoked})
      for (const records::DeviceRecord& device : *devices)
        if (device.handle == listed.handle && device.recipient == listed.recipient)
          return device.signing_key;
    return std::nullopt;
  };
  if (auto key = found()) return key;
  try {
    us.look_up(listed.handle);  // one that is known may have introduced it
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
  }
  return found();
}

records::Time opened_at(Caller& us, const SentAnswer& answer, const records::CoverRecipient& listed,
                        const records::Envelope& envelope) {
  const auto key = key_of(us, listed);
  if (!key)
    throw Refused(checks::kReceipt, ErrorCode::kUntrustedKey,
                  "it is of a device of " + listed.handle.text() + " that isn't known here");
  const records::Receipt receipt =
      checked(checks::kReceipt, [&] { return records::verify_receipt(envelope, *key); });
  if (receipt.delivery != answer.delivery || receipt.recipient != listed.recipient ||
      !answer.manifest || receipt.manifest != records::payload_hash(*answer.manifest))
    throw Refused(checks::kReceipt, ErrorCode::kIntegrity,
                  "it is of another delivery or device, or of what was never sent");
  return receipt.opened;
}

// Whoever was let in may send a receipt that can't be verified here: it mustn't hide the others.
void read_receipt(Caller& us, const SentAnswer& answer, const records::CoverRecipient& listed,
                  const records::Envelope& envelope, SentTo& device) try {
  device.opened = opened_at(us, answer, listed, envelope);
} catch (const Refused&) {
  device.is_unverified = true;
}

std::string state_of(const SentTo& device, SentState state, bool is_listed) {
  if (device.opened) return "opened";
  if (device.is_unverified) return "opened, unverified";
  if (device.collected) return "collected";
  if (state == SentState::kExpired || state == SentState::kRevoked)
    return std::string(to_text(state));
  return is_listed ? "waiting" : "dropped";
}

// Whom it is for is what the covers say, and not the gateway, which adds only what it saw.
std::vector<SentTo> devices_of(Caller& us, const SentAnswer& answer, const VerifiedChain& chain) {
  std::map<crypto::X25519Recipient, const SentAnswer::Device*> seen;
  for (const SentAnswer::Device& device : answer.devices) seen.emplace(device.recipient, &device);
  const std::vector<records::CoverRecipient> unvouched = us.unvouched(chain);
  std::vector<SentTo> devices;
  for (const VerifiedCover& cover : chain.all()) {
    for (const records::CoverRecipient& listed : cover.cover().recipients) {
      if (std::ranges::count(devices, listed.recipient, &SentTo::recipient) > 0) continue;
      SentTo device{listed.handle, listed.recipient, {}, {}, {}};
      device.is_vouched =
          std::ranges::count(unvouched, listed.recipient, &records::CoverRecipient::recipient) == 0;
      if (const auto found = seen.find(listed.recipient); found != seen.end()) {
        device.collected = found->second->collected;
        if (found->second->opened) read_receipt(us, answer, listed, *found->second->opened, device);
      }
      device.state = state_of(device, answer.state, chain.last().lists(listed.recipient));
      devices.push_back(std::move(device));
    }
  }
  return devices;
}

SentDelivery read(Caller& us, const std::string& text) {
  const SentAnswer answer = parse_sent_answer(text);
  SentDelivery sent{answer.delivery,
                    answer.state,
                    answer.created,
                    answer.expires,
                    answer.files,
                    answer.bytes,
                    0,
                    {},
                    {}};
  if (!answer.covers.empty()) {
    const VerifiedChain chain = us.verify_covers(answer.delivery, answer.covers);
    if (chain.first().cover().sender != us.device().handle)
      throw Refused(checks::kCoverSigner, ErrorCode::kCoverMismatch,
                    "its covers don't say that you sent it");
    if (answer.manifest) verify_manifest(*answer.manifest, chain);
    sent.version = chain.last().cover().version;
    sent.devices = devices_of(us, answer, chain);
    if (answer.deleted) {
      sent.deleted = checked(checks::kDeletionReceipt, [&] {
        return records::verify_deletion_receipt(*answer.deleted, us.trusted_gateway().signing_key);
      });
      if (sent.deleted->cover != chain.first().hash() || sent.deleted->delivery != sent.delivery)
        throw Refused(checks::kDeletionReceipt, ErrorCode::kIntegrity,
                      "it is that of another delivery");
    }
  }
  return sent;
}

json or_null(const std::optional<records::Time>& time) {
  return time ? json(records::to_text(*time)) : json(nullptr);
}

json to_json(const SentDelivery& sent) {
  json devices = json::array();
  for (const SentTo& device : sent.devices)
    devices.push_back({{"handle", device.handle.text()},
                       {"recipient", device.recipient.text()},
                       {"state", device.state},
                       {"vouched", device.is_vouched},
                       {"collected", or_null(device.collected)},
                       {"opened", or_null(device.opened)}});
  const auto& deleted = sent.deleted;
  return {{"delivery", sent.delivery.text()},
          {"state", to_text(sent.state)},
          {"created", records::to_text(sent.created)},
          {"expires", records::to_text(sent.expires)},
          {"files", sent.files},
          {"bytes", sent.bytes},
          {"version", sent.version},
          {"devices", std::move(devices)},
          {"deleted", deleted ? json(records::to_text(deleted->deleted)) : json(nullptr)},
          {"backups_lapse", deleted ? or_null(deleted->backups_lapse) : json(nullptr)}};
}

void print(const SentDelivery& sent) {
  std::cout << sent.delivery.text() << "  "
            << (sent.state == SentState::kOpen ? "not finished" : to_text(sent.state)) << ", "
            << sent.files << (sent.files == 1 ? " file, " : " files, ") << human_size(sent.bytes)
            << "\n  created " << records::to_text(sent.created) << ", expires "
            << records::to_text(sent.expires) << '\n';
  if (sent.deleted)
    std::cout << "  no header in the gateway's live store since "
              << records::to_text(sent.deleted->deleted) << "; "
              << backups_text(sent.deleted->backups_lapse) << '\n';
  for (const SentTo& device : sent.devices) {
    std::cout << "  " << device.handle.text() << "  " << device.state;
    if (device.opened)
      std::cout << ' ' << records::to_text(*device.opened);
    else if (device.collected)
      std::cout << ' ' << records::to_text(*device.collected);
    std::cout << "  " << device.recipient.text()
              << (device.is_vouched ? "" : "  added by a device that isn't known here") << '\n';
  }
}

}  // namespace

ExitCode sent(const Session& session, const std::optional<std::string>& text) {
  std::optional<Uuid> only;
  if (text) {
    only = Uuid::parse(*text);
    if (!only) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery (a UUIDv7)");
  }
  Caller us(session);
  us.check_active();
  std::vector<SentDelivery> deliveries;
  std::vector<RefusedDelivery> refusals;
  const auto take = [&](const std::string& answer) {
    try {
      deliveries.push_back(read(us, answer));
    } catch (const Error& error) {
      if (exit_code(error.code()) == ExitCode::kNetwork) throw;
      refusals.push_back(refused(answer, error));
    }
  };
  if (only)
    take(us.gateway().get("/v1/deliveries/" + only->text() + "/receipts"));
  else
    read_list(us, kSent, take);

  if (session.json) {
    json array = json::array();
    for (const SentDelivery& one : deliveries) array.push_back(to_json(one));
    std::cout << json{{"deliveries", std::move(array)}, {"refused", to_json(refusals)}} << '\n';
  } else {
    for (const SentDelivery& one : deliveries) print(one);
    for (const RefusedDelivery& one : refusals)
      std::cout << one.delivery << "  refused: " << one.check << '\n';
  }
  return refusals.empty() ? ExitCode::kOk : ExitCode::kIntegrity;
}

}  // namespace letterbox::client
