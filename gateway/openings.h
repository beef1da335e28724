// Receipts that recipients' devices sign of their own accord.
#pragma once

#include "base/uuid.h"
#include "gateway/identity/caller.h"
#include "records/dsse.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Keeps the receipt (records/receipt.h) that `caller`'s device signed for the closed delivery
/// `id`. Again with the same bytes changes nothing. Throws Error kBadSignature, kMalformed,
/// kCoverMismatch (of another delivery, manifest or device), kConflict (another one is there),
/// kNotFound, kUnavailable.
void put_receipt_of_opening(storage::Store& shelf, const Caller& caller, const Uuid& id,
                            const records::Envelope& receipt);

}  // namespace letterbox::gateway
