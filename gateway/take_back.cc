#include "gateway/take_back.h"

#include "base/error.h"
#include "records/cover.h"
#include "records/deletion_receipt.h"

namespace letterbox::gateway {

std::string take_back(storage::Store& shelf, const crypto::SigningKey& gateway_key,
                      const Caller& caller, const storage::SentDelivery& delivery,
                      std::chrono::days retention) {
  const records::Time now = records::now();
  const records::Envelope receipt = records::sign_deletion_receipt(
      {.delivery = delivery.id,
       .cover = records::payload_hash(records::parse_envelope(delivery.covers.front())),
       .deleted = now,
       .backups_lapse = now + retention},
      gateway_key);
  const auto kept =
      shelf.deliveries().revoke(caller.tenant, delivery.id, records::to_json(receipt),
                                caller.did(storage::AuditKind::kRevocation, delivery.id));
  if (!kept || kept->empty()) {
    throw Error(ErrorCode::kNotFound, "the delivery went away meanwhile, without a receipt");
  }
  return *kept;
}

}  // namespace letterbox::gateway
