// letterboxd health: does the gateway of this data directory answer? For a container's HEALTHCHECK,
// whose image has no other HTTPS client.
#pragma once

#include <filesystem>

namespace letterbox::gateway {

/// Returns if the gateway that last started from `data` answers GET /healthz with 200 within four
/// seconds. Throws Error kFile if none has started yet, else kUnavailable.
void ask_health(const std::filesystem::path& data);

}  // namespace letterbox::gateway
