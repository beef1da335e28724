// cpprestsdk's way of asking for a server.
#pragma once

#include <memory>

#include "gateway/transport/server.h"

namespace letterbox::gateway::transport {

/// Puts `server` underneath every http_listener that is opened from now on. When the server has
/// gone, opening one fails: cpprestsdk's own server, which must never face a network, doesn't come
/// back. Throws Error kConfiguration while listeners of another server are open.
void serve_listeners_by(const std::shared_ptr<Server>& server);

}  // namespace letterbox::gateway::transport
