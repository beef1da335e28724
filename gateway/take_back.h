// Taking a delivery back, and saying what that comes to.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "crypto/signing.h"
#include "gateway/identity/caller.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Revokes `delivery`, and returns the deletion receipt (records/deletion_receipt.h), an envelope.
/// Copies in backups lapse `retention` later; without one nothing is promised of them. Again: the
/// same receipt. Throws Error kNotFound if it is gone, or was revoked by somebody who wanted none,
/// kUnavailable.
std::string take_back(storage::Store& shelf, const crypto::SigningKey& gateway_key,
                      const Caller& caller, const storage::SentDelivery& delivery,
                      std::optional<std::chrono::days> retention);

}  // namespace letterbox::gateway
