#include "gateway/transport/server_api.h"

#include <cpprest/details/http_server.h>
#include <cpprest/details/http_server_api.h>

#include <mutex>

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

/// The process's server, if there is one now.
class Current {
 public:
  static Current& instance() {
    static Current current;
    return current;
  }
  std::shared_ptr<Server> get() {
    const std::lock_guard lock(mutex_);
    return server_.lock();
  }
  bool set_if_none(const std::shared_ptr<Server>& server) {
    const std::lock_guard lock(mutex_);
    if (!server_.expired()) return false;
    server_ = server;
    return true;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<Server> server_;
};

/// cpprestsdk drops a registered server with its last listener, and would put its own in place for
/// the next. So this listener is registered first, never leaves, and nothing is ever served by it.
Listeners::Listener* anchor() {
  static auto* const listener = new Listeners::Listener(web::uri("https://anchor/"));
  return listener;
}

class ServerApi final : public http_server {
 public:
  pplx::task<void> start() override { return pplx::task_from_result(); }
  pplx::task<void> stop() override { return pplx::task_from_result(); }

  pplx::task<void> register_listener(Listeners::Listener* listener) override {
    return outcome_of([listener] {
      if (listener == anchor()) return;
      const auto server = Current::instance().get();
      if (!server) throw web::http::http_exception("there is no transport to listen on");
      server->add(listener);
    });
  }
  pplx::task<void> unregister_listener(Listeners::Listener* listener) override {
    return outcome_of([listener] {
      if (const auto server = Current::instance().get()) server->remove(listener);
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
};

/// Once a process.
void replace_stock_server() {
  static const bool done = [] {
    http_server_api::register_server_api(std::make_unique<ServerApi>());
    http_server_api::register_listener(anchor()).wait();
    return true;
  }();
  (void)done;
}

}  // namespace

void serve_listeners_by(const std::shared_ptr<Server>& server) {
  try {
    replace_stock_server();
  } catch (const web::http::http_exception&) {
    throw Error(ErrorCode::kConfiguration,
                "a listener was opened before the transport was made; make the transport first");
  }
  if (!Current::instance().set_if_none(server)) {
    throw Error(ErrorCode::kConfiguration,
                "this process has a transport already; it can have one at a time");
  }
}

}  // namespace letterbox::gateway::transport
