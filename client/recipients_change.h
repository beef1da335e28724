// Changing who may open a delivery: a new cover, and every header computed anew for it, put in the
// place of the old ones in one step. docs/format.md, "Sharing on".
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/uuid.h"
#include "client/caller.h"
#include "client/verified_delivery.h"
#include "records/cover.h"

namespace letterbox::client {

using Recipients = std::vector<records::CoverRecipient>;

/// Whom a delivery is to be for.
struct Wanted {
  Recipients recipients;
  /// Of these, whom our user named, so that nobody else need answer for them.
  std::vector<crypto::X25519Recipient> named = {};
};

/// Whom it is for, and `devices` behind them, but for those that are among them already.
Wanted with_added(const VerifiedChain& chain, const std::vector<records::DeviceRecord>& devices);

/// Fetches and verifies a delivery that lists this device, and changes its recipients to what `of`
/// makes of its covers; `of` may be asked again, if somebody else changes them at the same time.
/// Every header is verified before its file key is wrapped anew, so nobody's garbage is passed on.
///
/// Nothing is wrapped for whom only strangers added (Caller::unvouched) unless our user named them:
/// Refused, with what to do. Nor for devices that are known to be revoked: they are left out where
/// our user may drop them.
///
/// Returns the new cover; nothing if `of` changes nobody. Throws Refused, Error kNotAllowed where
/// the rules don't let this user do it, kConflict, and what the connection throws; then nothing has
/// changed.
std::optional<records::SignedCover> change_recipients(
    Caller& us, const Uuid& delivery, const std::function<Wanted(const VerifiedChain&)>& of);

}  // namespace letterbox::client
