// A delivery taken back by its sender.
#pragma once

#include "base/uuid.h"
#include "client/caller.h"

namespace letterbox::client {

/// Has the gateway give a delivery to nobody any more; keeps the deletion receipt that it signs for
/// that, and shows what it says. Throws what the connection throws, and Refused where the receipt
/// isn't one: the delivery may then have been revoked all the same.
void revoke(Caller& us, const Uuid& delivery);

}  // namespace letterbox::client
