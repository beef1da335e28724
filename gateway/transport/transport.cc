#include "gateway/transport/transport.h"

#include "gateway/transport/server.h"
#include "gateway/transport/server_api.h"

namespace letterbox::gateway::transport {

struct Transport::State {
  std::shared_ptr<Server> server;
};

Transport::Transport(const Options& options)
    : state_(std::make_unique<State>(State{std::make_shared<Server>(options)})) {
  serve_listeners_by(state_->server);
}

Transport::~Transport() = default;

std::uint16_t Transport::port(std::size_t endpoint) const {
  return state_->server->port(endpoint);
}

void Transport::reload_certificates() {
  state_->server->reload_certificates();
}

void Transport::drain() {
  state_->server->drain();
}

Statistics Transport::statistics() const noexcept {
  return state_->server->statistics();
}

}  // namespace letterbox::gateway::transport
