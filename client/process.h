#pragma once

namespace letterbox::client {

/// Keeps secrets out of core files and away from other processes of the same user. Throws Error
/// kInternal if the kernel refuses.
void harden_process();

}  // namespace letterbox::client
