#include "client/recipients_change.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>

#include "base/error.h"
#include "client/acknowledge.h"
#include "client/answers.h"
#include "client/delivery_access.h"
#include "client/rewrapped_headers.h"
#include "client/spool.h"
#include "records/cover_chain.h"
#include "records/delivery_headers.h"

namespace letterbox::client {
namespace {

constexpr int kAttempts = 3;

bool changes(const Recipients& before, const Recipients& after) {
  std::set<crypto::X25519Recipient> keys;
  for (const auto& recipient : before) keys.insert(recipient.recipient);
  return before.size() != after.size() || std::ranges::any_of(after, [&](const auto& recipient) {
           return !keys.contains(recipient.recipient);
         });
}

// Whoever holds the file keys is the only one who can let somebody in. So this is where a device
// that a lying gateway made up would have its way.
void check_vouched(const Caller& us, const VerifiedChain& chain, const Wanted& wanted) {
  for (const records::CoverRecipient& recipient : us.unvouched(chain)) {
    const crypto::X25519Recipient& key = recipient.recipient;
    if (std::ranges::count(wanted.recipients, key, &records::CoverRecipient::recipient) == 0 ||
        std::ranges::count(wanted.named, key) > 0)
      continue;
    const VerifiedCover& adder =
        *std::ranges::find_if(std::span(chain.all()).subspan(chain.vouched().cover().version),
                              [&](const VerifiedCover& cover) { return cover.lists(key); });
    const std::string stranger = adder.maker_handle()->text();
    const bool is_senders = chain.first().cover().sender == us.device().handle;
    throw Refused(
        checks::kCoverVouched, ErrorCode::kUntrustedKey,
        recipient.handle.text() + ", " + key.text() + ", was added by a device of " + stranger +
            " that isn't known here, and the gateway could have made that up; if you know " +
            stranger + ", run letterbox trust " + stranger + " and compare; if you know " +
            recipient.handle.text() + ", name them: letterbox share --to " +
            recipient.handle.text() +
            (is_senders ? "; or drop them: letterbox unshare --from " + key.text() : ""));
  }
}

// The sender's rules let them drop anybody, and others their own devices.
void leave_out_revoked(Caller& us, const records::Cover& cover, Recipients& recipients) {
  std::set<records::Handle> known;
  for (const records::DeviceRecord& device : us.known().all()) known.insert(device.handle);
  for (const records::CoverRecipient& recipient : recipients) {
    if (known.erase(recipient.handle) == 0) continue;
    try {
      us.look_up(recipient.handle);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
    }
  }
  const bool is_senders = cover.sender == us.device().handle;
  std::erase_if(recipients, [&](const records::CoverRecipient& recipient) {
    return (is_senders || recipient.handle == us.device().handle) &&
           std::ranges::any_of(us.known().revoked(), [&](const records::DeviceRecord& device) {
             return device.handle == recipient.handle && device.recipient == recipient.recipient;
           });
  });
}

std::optional<records::SignedCover> change(Caller& us, const VerifiedDelivery& delivery,
                                           Wanted wanted) {
  const VerifiedCover& last = delivery.cover();
  if (!changes(last.cover().recipients, wanted.recipients)) return std::nullopt;
  check_vouched(us, delivery.chain, wanted);
  leave_out_revoked(us, last.cover(), wanted.recipients);

  // By the rules that everybody else will judge it by, before anything is sent.
  const records::SignedCover next = records::follow(
      last.signed_cover(),
      records::sign_cover(
          records::next_cover(last.signed_cover(), std::move(wanted.recipients), records::now()),
          us.signing_key())
          .envelope,
      us.device());

  DeliveryAccess access(us, delivery);
  Spool body = access.opened([&] {
    const auto headers = access.headers();
    RewrappedHeaders rewrapped(*headers, delivery, access.cover(), us.keys().identities, next);
    return Spool(rewrapped, us.session().home.directory());
  });
  // Each header opened, and is its payload's: whoever made them did no harm, and those before may
  // go.
  if (!access.has_fallen_back()) confirm_version(us, delivery);
  DescriptorSource source = body.read();
  us.gateway().put("/v1/deliveries/" + delivery.manifest.delivery.text() + "/recipients",
                   {records::kRecipientsChangeMediaType,
                    source,
                    body.length(),
                    body.sha256(),
                    {{"If-Match", "\"v" + std::to_string(last.cover().version) + "\""}}});
  us.saw(next);
  return next;
}

}  // namespace

Wanted with_added(const VerifiedChain& chain, const std::vector<records::DeviceRecord>& devices) {
  Wanted wanted{chain.last().cover().recipients};
  for (const records::DeviceRecord& device : devices) {
    wanted.named.push_back(device.recipient);
    if (std::ranges::count(wanted.recipients, device.recipient,
                           &records::CoverRecipient::recipient) == 0)
      wanted.recipients.push_back({device.handle, device.recipient, std::nullopt});
  }
  return wanted;
}

std::optional<records::SignedCover> change_recipients(
    Caller& us, const Uuid& id, const std::function<Wanted(const VerifiedChain&)>& of) {
  for (int attempt = 1;; ++attempt) {
    const UnverifiedDelivery answer =
        parse_delivery_answer(us.gateway().get("/v1/deliveries/" + id.text()));
    if (answer.id != id)
      throw Refused(checks::kCoverDelivery, ErrorCode::kCoverMismatch,
                    "the gateway answers with another delivery");
    const VerifiedDelivery delivery = us.verify(answer);
    check_listed(delivery.chain, std::array{us.device().recipient});
    Wanted wanted = of(delivery.chain);
    try {
      return change(us, delivery, std::move(wanted));
    } catch (const Error& error) {
      // Somebody else was quicker, and now there is another version to start from.
      const bool was_overtaken =
          error.code() == ErrorCode::kPreconditionFailed || error.code() == ErrorCode::kConflict;
      if (!was_overtaken || attempt == kAttempts) throw;
    }
  }
}

}  // namespace letterbox::client
