// How one cover follows another: who may share a delivery on, and who may drop whom. The one place
// of these rules, for the gateway and for every reader alike. docs/format.md, "The cover chain".
//
// A chain is what a reader believes in place of the gateway: the sender signed version 1, and each
// later version was signed by somebody whom the version before names. So a gateway can add nobody,
// a stranger can't let themselves in, and who was dropped has nothing more to say.
#pragma once

#include <cstdint>
#include <vector>

#include "records/cover.h"
#include "records/device_record.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::records {

/// Most versions of one delivery's cover: all of them are given out with the delivery.
inline constexpr std::uint32_t kMaxCoverVersions = 100;

/// `next` verified and judged as what follows `before`. `maker` is the device that is said to have
/// signed it: one whose record the caller believes. Never pass the gateway off as one; its key
/// signs first versions alone.
///
///  1. It is a cover, signed by `maker`'s key.
///  2. `delivery`, `sender`, `sealed_by` and `expires` are those of `before`, `version` is the next
///     one and at most kMaxCoverVersions, `previous` is the hash of `before`, `created` isn't
///     earlier, and `random` is another.
///  3. `maker` is a device of the sender, or `before` lists its age key under its handle.
///  4. A key that stays, stays under its handle.
///  5. Keys are dropped by a device of the sender, or of the handle that they stand under. (Anybody
///     who may sign may add.)
///  6. Some key is added or dropped.
///
/// Throws Error kBadSignature (1, 3), kMalformed (1), kCoverMismatch (2, 4), kNotAllowed (5),
/// kConflict (6, and where `before` is the last version there may be). Pure, thread-safe.
SignedCover follow(const SignedCover& before, const Envelope& next, const DeviceRecord& maker);

/// The cover that follows `before`, for `recipients` in this order, to be signed. Throws Error
/// kInternal if there is no randomness.
Cover next_cover(const SignedCover& before, std::vector<CoverRecipient> recipients, Time now);

}  // namespace letterbox::records
