// Uploads that may break off: the bytes of a device-sealed file over many requests, through any
// gateway. What they come to is what deposit_sealed (gateway/deposit.h) takes in one request, and
// it is checked likewise.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/signing.h"
#include "gateway/identity/caller.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Begins the upload of a file `id` of so many bytes into the open, device-sealed `delivery` of
/// `sender`, whose uploads may come to `most` bytes that aren't complete. Whether it takes up room
/// or is refused for it, that is written to the audit trail. Throws Error kNotWhatItClaims for a
/// length that no file of it has, kNotFound, kConflict, kQuotaExceeded, kUnavailable.
storage::Upload begin_upload(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                             const Caller& sender, const Uuid& delivery, const Uuid& file,
                             std::uint64_t length, std::uint64_t most);

/// Goes on with the upload `id` at `offset`, and returns how it stands then. What has arrived is
/// kept as it comes, a row at a time, so that a body which breaks off has not come in vain. At the
/// end of all bytes the upload is a file of its delivery. A body that turns out another than was
/// announced (it throws kUnauthenticated or kChecksumMismatch in place of its end) leaves the
/// upload as it was.
///
/// Throws Error kLocked (somebody writes it now), kOffsetMismatch, kTooLarge (more bytes than were
/// announced), kNotWhatItClaims, kCoverMismatch, kConflict (the delivery is closed), kNotFound,
/// kQuotaExceeded, kUnavailable, and what `body` throws.
storage::Upload continue_upload(storage::Store& shelf, const crypto::VerifyKey& gateway_key,
                                const Caller& sender, const Uuid& id, std::uint64_t offset,
                                Source& body);

}  // namespace letterbox::gateway
