#include "client/enrolment.h"

#include <string>

#include "base/error.h"
#include "records/cosignature.h"
#include "records/revocation.h"
#include "records/time.h"

namespace letterbox::client {
namespace {

void file(GatewayConnection& gateway, const crypto::VerifyKey& about,
          const records::Envelope& statement) {
  gateway.post("/v1/devices/" + about.fingerprint() + "/records", kEnvelopeMediaType,
               records::to_json(statement));
}

}  // namespace

EnrolledAnswer enrol(GatewayConnection& gateway, const SecretBytes& invitation,
                     const records::Envelope& record) {
  std::string body = "{\"invitation\":\"" + std::string(invitation.reveal_text()) +
                     "\",\"record\":" + records::to_json(record) + "}";
  try {
    EnrolledAnswer answer =
        parse_enrolled_answer(gateway.post("/v1/devices", kJsonMediaType, body));
    wipe({reinterpret_cast<Byte*>(body.data()), body.size()});
    return answer;
  } catch (const Error& error) {
    wipe({reinterpret_cast<Byte*>(body.data()), body.size()});
    if (error.code() != ErrorCode::kNotFound) throw;
    throw Error(ErrorCode::kNotFound,
                "the gateway doesn't take the invitation: it was used, withdrawn or has expired; "
                "ask for a new one");
  }
}

void vouch(GatewayConnection& gateway, const crypto::SigningKey& key, const Digest& device,
           const crypto::VerifyKey& device_key) {
  file(gateway, device_key,
       records::sign_cosignature({device, key.verify_key(), records::now()}, key));
}

void revoke(GatewayConnection& gateway, const crypto::SigningKey& key, const Digest& device,
            const crypto::VerifyKey& device_key) {
  file(gateway, device_key,
       records::sign_revocation(
           {device, records::RevokedBy::kDevice, key.verify_key(), records::now()}, key));
}

}  // namespace letterbox::client
