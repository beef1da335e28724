// The deletion receipt: what the gateway did when a delivery was revoked, and what it didn't.
//
// It claims no more than can be so: the live store holds and gives out no header of the delivery
// from `deleted` on, and copies in backups lapse later. Who fetched a file before may have kept it.
#pragma once

#include <optional>
#include <string_view>

#include "base/uuid.h"
#include "crypto/header.h"
#include "crypto/signing.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::records {

inline constexpr std::string_view kDeletionReceiptType =
    "application/vnd.letterbox.deletion-receipt.v1+json";

struct DeletionReceipt {
  Uuid delivery;
  crypto::CoverHash cover;  ///< of cover version 1
  Time deleted;             ///< from then on the live store has no header of it
  /// The last backup that may hold one is gone by then; not before deleted. Absent: nobody promised
  /// a date.
  std::optional<Time> backups_lapse;
};

/// Signed by the gateway. Throws Error kMalformed for what verify_deletion_receipt would refuse.
Envelope sign_deletion_receipt(const DeletionReceipt& receipt, const crypto::SigningKey& gateway);

/// Strict, as parse_cover. Throws Error kMalformed or kBadSignature.
DeletionReceipt verify_deletion_receipt(const Envelope& envelope, const crypto::VerifyKey& gateway);

}  // namespace letterbox::records
