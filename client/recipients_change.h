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

/// Puts `devices` behind the others, but for those that are among them already.
Recipients with_added(Recipients recipients, const std::vector<records::DeviceRecord>& devices);

/// Fetches and verifies a delivery that lists this device, and changes its recipients to what `of`
/// makes of its covers; `of` may be asked again, if somebody else changes them at the same time.
/// Every header is verified before its file key is wrapped anew, so nobody's garbage is passed on.
/// Returns the new cover; nothing if `of` changes nobody. Throws Refused, Error kNotAllowed where
/// the rules don't let this user do it, kConflict, and what the connection throws; then nothing has
/// changed.
std::optional<records::SignedCover> change_recipients(
    Caller& us, const Uuid& delivery, const std::function<Recipients(const VerifiedChain&)>& of);

/// The same for a delivery that was fetched and verified already.
std::optional<records::SignedCover> change_recipients(Caller& us, const VerifiedDelivery& delivery,
                                                      Recipients recipients);

}  // namespace letterbox::client
