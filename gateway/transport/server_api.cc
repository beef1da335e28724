#include "gateway/transport/server_api.h"

#include <cpprest/details/http_server.h>
#include <cpprest/details/http_server_api.h>

#include "base/error.h"
#include "base/log.h"
#include "gateway/transport/messages.h"

namespace letterbox::gateway::transport {

namespace {

using web::http::experimental::details::http_server;
using web::http::experimental::details::http_server_api;

/// What went wrong while a task was made, as the task's outcome.
template <typename Action>
pplx::task<void> outcome_of(Action action) {
  try {
    action();
    return pplx::task_from_result();
  } catch (...) {
    return pplx::task_from_exception<void>(std::current_exception());
  }
}

class ServerApi final : public http_server {
 public:
  explicit ServerApi(std::weak_ptr<Server> server) : server_(std::move(server)) {}

  pplx::task<void> start() override {
    return outcome_of([this] { running()->start(); });
  }
  pplx::task<void> stop() override { return pplx::task_from_result(); }

  pplx::task<void> register_listener(Listeners::Listener* listener) override {
    return outcome_of([this, listener] { running()->add(listener); });
  }
  pplx::task<void> unregister_listener(Listeners::Listener* listener) override {
    return outcome_of([this, listener] {
      if (const auto server = server_.lock()) server->remove(listener);
    });
  }

  /// Blocks until the response is sent: handlers are on threads that may block. It never fails,
  /// because hardly anybody looks at the result, and an exception in a task that nobody looks at
  /// ends the process.
  pplx::task<void> respond(web::http::http_response response) override {
    try {
      const auto handoff = handoff_of(response);
      send(*handoff, std::move(response));
    } catch (const Error& error) {
      log::error("an answer failed", error);
    } catch (const std::exception&) {
      log::error("an answer failed with a foreign exception");
    }
    return pplx::task_from_result();
  }

 private:
  std::shared_ptr<Server> running() const {
    auto server = server_.lock();
    if (!server) throw web::http::http_exception("the transport has been closed");
    return server;
  }

  const std::weak_ptr<Server> server_;
};

}  // namespace

void serve_listeners_by(const std::shared_ptr<Server>& server) {
  try {
    http_server_api::register_server_api(std::make_unique<ServerApi>(server));
  } catch (const web::http::http_exception&) {
    throw Error(ErrorCode::kConfiguration,
                "another transport has listeners open; a process has one at a time");
  }
}

}  // namespace letterbox::gateway::transport
