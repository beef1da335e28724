#include "client/acknowledge.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/terminal.h"
#include "records/receipt.h"

namespace letterbox::client {
namespace {

std::string target(const VerifiedDelivery& delivery, const char* what) {
  return "/v1/deliveries/" + delivery.manifest.delivery.text() + what;
}

// Tells the gateway. That it knows already, or has no use for it any more, is nobody's business.
template <typename Tell>
void told(Caller& us, const char* what, Tell tell) {
  try {
    tell();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kConflict || error.code() == ErrorCode::kNotFound) return;
    notice(std::string("what came was verified, but ") + what + ": " + error.what(),
           us.session().json);
  }
}

}  // namespace

void confirm_version(Caller& us, const VerifiedDelivery& delivery) {
  const VerifiedCover* const former = delivery.chain.former();
  const crypto::X25519Recipient& ours = us.device().recipient;
  if (former == nullptr || !former->lists(ours) || !delivery.cover().lists(ours)) return;
  if (delivery.cover().maker_handle() == us.device().handle) return;
  const std::string body = nlohmann::json{{"version", delivery.cover().cover().version}}.dump();
  told(us, "the change of recipients couldn't be confirmed",
       [&] { us.gateway().post(target(delivery, "/confirmations"), kJsonMediaType, body); });
}

void send_receipt(Caller& us, const VerifiedDelivery& delivery) {
  const records::Envelope receipt =
      records::sign_receipt({.delivery = delivery.manifest.delivery,
                             .manifest = records::payload_hash(delivery.manifest_envelope),
                             .recipient = us.device().recipient,
                             .opened = records::now()},
                            us.signing_key());
  told(us, "their sender couldn't be told", [&] {
    us.gateway().put(target(delivery, "/receipt"), kEnvelopeMediaType, records::to_json(receipt));
  });
}

}  // namespace letterbox::client
