#include "client/recipients_change.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
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

}  // namespace

Recipients with_added(Recipients recipients, const std::vector<records::DeviceRecord>& devices) {
  for (const records::DeviceRecord& device : devices)
    if (std::ranges::count(recipients, device.recipient, &records::CoverRecipient::recipient) == 0)
      recipients.push_back({device.handle, device.recipient, std::nullopt});
  return recipients;
}

std::optional<records::SignedCover> change_recipients(Caller& us, const VerifiedDelivery& delivery,
                                                      Recipients recipients) {
  const VerifiedCover& last = delivery.cover();
  if (!changes(last.cover().recipients, recipients)) return std::nullopt;

  // By the rules that everybody else will judge it by, before anything is sent.
  const records::SignedCover next = records::follow(
      last.signed_cover(),
      records::sign_cover(
          records::next_cover(last.signed_cover(), std::move(recipients), records::now()),
          us.signing_key())
          .envelope,
      us.device());

  DeliveryAccess access(us, delivery);
  Spool body = access.opened([&] {
    const auto headers = access.headers();
    RewrappedHeaders rewrapped(*headers, delivery, access.cover(), us.keys().identities, next);
    return Spool(rewrapped, us.session().home.directory());
  });
  DescriptorSource source = body.read();
  us.gateway().put("/v1/deliveries/" + delivery.manifest.delivery.text() + "/recipients",
                   {records::kRecipientsChangeMediaType, source, body.length(), body.sha256(),
                    "\"v" + std::to_string(last.cover().version) + "\""});
  us.saw(next);
  return next;
}

std::optional<records::SignedCover> change_recipients(
    Caller& us, const Uuid& id, const std::function<Recipients(const VerifiedChain&)>& of) {
  for (int attempt = 1;; ++attempt) {
    const UnverifiedDelivery answer =
        parse_delivery_answer(us.gateway().get("/v1/deliveries/" + id.text()));
    if (answer.id != id)
      throw Refused(checks::kCoverDelivery, ErrorCode::kCoverMismatch,
                    "the gateway answers with another delivery");
    const VerifiedDelivery delivery = us.verify(answer);
    check_listed(delivery.chain, std::array{us.device().recipient});
    Recipients recipients = of(delivery.chain);
    try {
      return change_recipients(us, delivery, std::move(recipients));
    } catch (const Error& error) {
      // Somebody else was quicker, and now there is another version to start from.
      if (error.code() != ErrorCode::kConflict || attempt == kAttempts) throw;
    }
  }
}

}  // namespace letterbox::client
