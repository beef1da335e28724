#include "gateway/transport/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "base/error.h"
#include "base/log.h"
#include "gateway/transport/messages.h"
#include "gateway/transport/tls_context.h"

namespace letterbox::gateway::transport {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr int kIoThreads = 2;
// After a connection couldn't be accepted: when descriptors are used up, trying again at once would
// only burn a core.
constexpr std::chrono::milliseconds kAcceptPause{100};

[[noreturn]] void refuse(const Options& options, const error_code& error) {
  const std::string where = options.host + " port " + std::to_string(options.port);
  std::string why = error.message();
  if (error == asio::error::address_in_use) {
    why = "another program listens there; stop it, or choose another port";
  } else if (error == boost::system::errc::address_not_available) {
    why = "this machine has no such address";
  } else if (error == asio::error::access_denied) {
    why = "not allowed; ports below 1024 want a privilege";
  }
  throw Error(ErrorCode::kConfiguration, "can't listen on " + where + ": " + why);
}

Tcp::acceptor bind(asio::io_context& io, const Options& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) {
    throw Error(ErrorCode::kConfiguration,
                "can't listen on " + options.host + ": it isn't an IP address");
  }
  const Tcp::endpoint endpoint(address, options.port);
  Tcp::acceptor acceptor{asio::any_io_executor(asio::make_strand(io))};
  acceptor.open(endpoint.protocol(), error);
  if (error) refuse(options, error);
  acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  acceptor.bind(endpoint, error);
  if (error) refuse(options, error);
  acceptor.listen(Tcp::acceptor::max_listen_connections, error);
  if (error) refuse(options, error);
  return acceptor;
}

}  // namespace

Server::Server(const Options& options)
    : limits_(options.limits),
      tls_(make_tls_context(options.certificate_chain, options.private_key)),
      keep_running_(asio::make_work_guard(io_)),
      acceptor_(bind(io_, options)),
      slot_free_(acceptor_.get_executor()),
      port_(acceptor_.local_endpoint().port()),
      router_([this](const RequestHead& head) { return route(head); }),
      workers_(limits_.workers) {
  for (int i = 0; i < kIoThreads; ++i) threads_.emplace_back([this] { io_.run(); });
}

Server::~Server() {
  stop();
}

void Server::start() {
  const std::lock_guard lock(mutex_);
  if (started_) return;
  started_ = true;
  asio::co_spawn(
      acceptor_.get_executor(), [this] { return accept(); }, asio::detached);
}

asio::awaitable<void> Server::accept() {
  asio::steady_timer pause(acceptor_.get_executor());
  while (true) {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) co_return;
        if (connections_.size() < limits_.connections) break;
      }
      co_await slot_free_.wait();
    }
    error_code error;
    Tcp::socket socket =
        co_await acceptor_.async_accept(asio::any_io_executor(asio::make_strand(io_)),
                                        asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) continue;
    if (!error && adopt(std::move(socket))) continue;
    pause.expires_after(kAcceptPause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

// False: there is no memory for it now.
bool Server::adopt(Tcp::socket socket) try {
  const auto executor = socket.get_executor();
  const auto connection = std::make_shared<Connection>(std::move(socket), tls_, limits_, router_);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return true;
    connections_.insert(connection);
  }
  asio::co_spawn(
      executor, [connection] { return connection->run(); },
      [this, connection](const std::exception_ptr&) { release(connection); });
  return true;
} catch (const std::exception&) {
  return false;
}

void Server::release(const std::shared_ptr<Connection>& connection) {
  {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
  }
  connection_gone_.notify_all();
  asio::post(acceptor_.get_executor(), [this] { slot_free_.notify(); });
}

Route Server::route(const RequestHead& head) {
  web::uri target;
  std::string host;
  try {
    target = head.target.path_and_query;
    // Only a client that takes us for its proxy names the host here.
    if (!head.target.authority.empty()) host = web::uri("https://" + head.target.authority).host();
  } catch (const web::uri_exception&) {
    throw Refusal(400, "The request target can't be read.");
  }
  // RFC 9110 section 7.4.
  if (!host.empty() && !certificate_names(tls_, host)) {
    throw Refusal(421, "This server isn't that host.");
  }
  auto listener = listeners_.find(target.path());
  // A gateway that is about to stop mustn't look as if everything in it were gone.
  if (!listener && listeners_.empty()) throw Refusal(503, "This server is stopping.");
  if (!listener) throw Refusal(404, "There is nothing here by that name.");
  const auto lease = std::make_shared<Listeners::Lease>(std::move(*listener));
  return [this, lease](const std::shared_ptr<Handoff>& handoff) {
    asio::post(workers_, [this, lease, handoff] { handle(*lease, handoff); });
  };
}

void Server::handle(Listeners::Lease& listener, const std::shared_ptr<Handoff>& handoff) {
  try {
    listener->handle_request(make_request(handoff, listener->uri()));
  } catch (const Error& error) {
    log::error("a handler failed", error);
  } catch (const std::exception&) {
    // Its text may hold anything, so it isn't logged.
    log::error("a handler failed with a foreign exception");
  }
}

void Server::add(Listeners::Listener* listener) {
  const web::uri& uri = listener->uri();
  if (uri.scheme() != "https" || uri.port() != port_) {
    throw std::invalid_argument("the listener isn't for https on the transport's port");
  }
  listeners_.add(listener);
  start();
}

void Server::remove(Listeners::Listener* listener) {
  listeners_.remove(listener);
  if (listeners_.wait_until_unused(listener, limits_.grace)) return;
  abort_connections();
  while (!listeners_.wait_until_unused(listener, limits_.grace)) {
    log::warn("still waiting for a handler to return");
  }
}

void Server::abort_connections() {
  const std::lock_guard lock(mutex_);
  for (const auto& connection : connections_) connection->abort();
}

void Server::stop() {
  // 1. No new connections; those without a request close, the others after it.
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& connection : connections_) connection->finish_soon();
  }
  asio::post(acceptor_.get_executor(), [this] {
    error_code ignored;
    acceptor_.close(ignored);
    slot_free_.notify();
  });
  // 2. The requests at hand get a little time, then their connections are cut.
  const auto all_gone = [this] { return connections_.empty(); };
  std::unique_lock lock(mutex_);
  if (!connection_gone_.wait_for(lock, limits_.grace, all_gone)) {
    lock.unlock();
    abort_connections();
    lock.lock();
    connection_gone_.wait(lock, all_gone);
  }
  lock.unlock();
  // 3. Handlers, which now find their peers gone, and the threads.
  workers_.join();
  keep_running_.reset();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace letterbox::gateway::transport
