// What is sealed goes to the gateway, and the delivery is closed.
#pragma once

#include "client/caller.h"
#include "client/unfinished_send.h"

namespace letterbox::client {

/// Sends what the gateway doesn't have yet of a send that is sealed, several files at a time;
/// closes the delivery; and takes away what lay in the home. Whatever it did before, it may be done
/// again. Throws what went wrong: where it may work later, the send stays and the message says how
/// to go on with it; otherwise the delivery is abandoned and nothing stays.
void finish(Caller& us, const UnfinishedSend& send);

/// The same for one that another process left behind. First its bytes are held against what was
/// sealed, and its recipients against who may be sealed for today. Throws Error kNotFound, too, for
/// one that has expired or was revoked meanwhile.
void go_on(Caller& us, const UnfinishedSend& send);

/// Drops such a one. False where it turns out that it was sent whole, which can't be dropped.
bool discard(Caller& us, const UnfinishedSend& send);

/// Has the gateway forget a delivery that isn't closed, if it can be told, and takes away what lay
/// in the home. Who is told that a send failed has no id to delete it by. Where the gateway can't
/// be told, the delivery stays, seen by nobody, until it expires.
void abandon(Caller& us, const UnfinishedSend& send) noexcept;

}  // namespace letterbox::client
