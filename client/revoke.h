// A delivery taken back by its sender.
#pragma once

#include <optional>
#include <string>

#include "base/uuid.h"
#include "client/caller.h"
#include "records/time.h"

namespace letterbox::client {

/// Has the gateway give a delivery to nobody any more; keeps the deletion receipt that it signs for
/// that, and shows what it says. Whatever somebody made of the covers doesn't keep it from that.
/// Throws what the connection throws, and Refused where the receipt isn't one, or is of another
/// first cover than the delivery's: the delivery may then have been revoked all the same.
void revoke(Caller& us, const Uuid& delivery);

/// What a deletion receipt says of backups, for people.
std::string backups_text(const std::optional<records::Time>& lapse);

}  // namespace letterbox::client
