// Recovery keys go from the screen to paper, and back by hand. Nowhere else.
#pragma once

#include "crypto/recovery_key.h"

namespace letterbox::client {

/// Shows the key, as text and, where there is room, as a QR code; and lets it be typed back until
/// it is on the paper without a mistake. Throws Error kFile (no terminal), kUsage (interrupted).
void put_on_paper(const crypto::RecoveryKey& key);

/// Asks for one, until it is typed without a mistake. Throws the same.
crypto::RecoveryKey ask_recovery_key();

}  // namespace letterbox::client
