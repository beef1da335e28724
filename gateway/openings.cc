#include "gateway/openings.h"

#include "base/error.h"
#include "records/receipt.h"

namespace letterbox::gateway {

void put_receipt_of_opening(storage::Store& shelf, const Caller& caller, const Uuid& id,
                            const records::Envelope& envelope) {
  const records::DeviceRecord& device = caller.device.value().record;
  const records::Receipt receipt = records::verify_receipt(envelope, device.signing_key);
  const auto delivery = shelf.deliveries().find(caller.tenant, id);
  if (!delivery || !delivery->manifest) {
    throw Error(ErrorCode::kNotFound, "no such closed delivery");
  }
  if (receipt.delivery != id || receipt.recipient != device.recipient ||
      receipt.manifest != records::payload_hash(records::parse_envelope(*delivery->manifest))) {
    throw Error(ErrorCode::kCoverMismatch, "the receipt is for another delivery or device");
  }
  shelf.receipts().put_opened(caller.tenant, id, device.recipient.text(),
                              records::to_json(envelope),
                              caller.did(storage::AuditKind::kCollect, id));
}

}  // namespace letterbox::gateway
