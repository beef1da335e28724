// letterboxd serve: from a configuration to a running gateway, and back.
#pragma once

#include "gateway/config.h"

namespace letterbox::gateway {

/// Serves until SIGTERM or SIGINT: then /readyz says so, and after Config::shutdown_notice requests
/// at hand may end within Limits::drain while others are told to come back later. SIGHUP has the
/// certificates read again. Call once, from the main thread, before any other thread exists.
/// Throws Error when it can't start: kConfiguration, kFile, kUnavailable.
void serve(const Config& config);

}  // namespace letterbox::gateway
