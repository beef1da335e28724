// What a recipient tells after reading a delivery: that its present headers are right, and, to its
// sender, that it was opened. Neither is needed to have read it, so a failure to tell is a notice.
#pragma once

#include "client/caller.h"
#include "client/verified_delivery.h"

namespace letterbox::client {

/// Has the gateway give up the headers of versions before. For who has opened, under the last
/// cover, everything that the manifest lists, or has verified every header with its payload's
/// nonce: a header alone doesn't show whether it is its payload's. Does nothing unless this device
/// is one whose word counts: listed by the last two versions, and of somebody else than made the
/// last.
void confirm_version(Caller& us, const VerifiedDelivery& delivery);

/// For who has decrypted everything that the manifest lists to its verified end.
void send_receipt(Caller& us, const VerifiedDelivery& delivery);

}  // namespace letterbox::client
