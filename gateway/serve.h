// letterboxd serve: from a configuration to a running gateway, and back.
#pragma once

#include "gateway/config.h"

namespace letterbox::gateway {

/// Serves until SIGTERM or SIGINT. Call once, from the main thread, before any other thread exists.
/// Throws Error when it can't start: kConfiguration, kFile, kUnavailable.
void serve(const Config& config);

}  // namespace letterbox::gateway
