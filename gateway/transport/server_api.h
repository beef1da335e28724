// cpprestsdk's way of asking for a server.
#pragma once

#include <memory>

#include "gateway/transport/server.h"

namespace letterbox::gateway::transport {

/// Puts `server` underneath every http_listener that is opened from now on. When the server has
/// gone, opening one fails, until there is another. Throws Error kConfiguration while another one
/// is there, or if a listener was opened before the first.
void serve_listeners_by(const std::shared_ptr<Server>& server);

}  // namespace letterbox::gateway::transport
