#include "gateway/take_back.h"

#include "base/error.h"
#include "records/cover.h"
#include "records/deletion_receipt.h"

namespace letterbox::gateway {

std::string take_back(storage::Store& shelf, const crypto::SigningKey& gateway_key,
                      const Caller& caller, const storage::SentDelivery& delivery,
                      std::optional<std::chrono::days> retention) {
  const crypto::CoverHash cover =
      records::payload_hash(records::parse_envelope(delivery.covers.front()));
  // Made while nobody else changes the delivery, and of the second that begins after that: what is
  // said to be gone from then on mustn't have been given out later by somebody who held it.
  const auto receipt = [&] {
    const records::Time deleted = records::now() + std::chrono::seconds(1);
    return records::to_json(records::sign_deletion_receipt(
        {.delivery = delivery.id,
         .cover = cover,
         .deleted = deleted,
         .backups_lapse = retention ? std::optional(deleted + *retention) : std::nullopt},
        gateway_key));
  };
  const auto kept =
      shelf.deliveries().revoke(caller.tenant, delivery.id, receipt,
                                caller.did(storage::AuditKind::kRevocation, delivery.id));
  if (!kept || kept->empty()) {
    throw Error(ErrorCode::kNotFound, "the delivery went away meanwhile, without a receipt");
  }
  return *kept;
}

}  // namespace letterbox::gateway
