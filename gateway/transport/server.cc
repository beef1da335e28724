#include "gateway/transport/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>

#include "base/error.h"
#include "base/log.h"

namespace letterbox::gateway::transport {

namespace asio = boost::asio;

namespace {

constexpr int kIoThreads = 2;
constexpr int kNice = 10;  // of the thread for handshakes
// How often the log says what a listener that closes is waiting for.
constexpr std::chrono::seconds kReminder{10};
constexpr std::size_t kFewestConnections = 16;
// To look for a connection that makes room costs a look at all of them, so several are chosen at
// once: this part of all.
constexpr std::size_t kRoomToMake = 64;

// A connection that is accepted without a descriptor left can't even be told to come back later.
std::size_t connections_possible(std::size_t wanted) {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return wanted;
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_cur >= wanted + kOtherDescriptors) return wanted;
  const std::size_t possible =
      std::max<std::size_t>(descriptors.rlim_cur, kFewestConnections + kOtherDescriptors) -
      kOtherDescriptors;
  log::warn("fewer connections than configured, because the process may open so few descriptors",
            {{"connections", std::to_string(possible)},
             {"descriptors", std::to_string(descriptors.rlim_cur)}});
  return possible;
}

bool is_at(const Entrance& entrance, const web::uri& uri) {
  const std::string& host = entrance.endpoint().host;
  return uri.port() == entrance.port() && (uri.host() == host || uri.host() == '[' + host + ']');
}

}  // namespace

Server::Server(const Options& options)
    : commons_(options.limits),
      most_connections_(connections_possible(options.limits.connections)),
      keep_running_(asio::make_work_guard(io_)),
      handshakes_(1),
      workers_(options.limits.workers, options.limits.peer_workers) {
  asio::post(handshakes_, [] { setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice); });
  for (const Endpoint& endpoint : options.endpoints) {
    entrances_.push_back(std::make_unique<Entrance>(
        io_, handshakes_.get_executor(), endpoint, commons_, workers_,
        [this](std::unique_ptr<Wire> wire, const Router& router) {
          return adopt(std::move(wire), router);
        },
        options.certificate_refused));
  }
  for (int i = 0; i < kIoThreads; ++i) threads_.emplace_back([this] { io_.run(); });
}

Server::~Server() {
  stop();
}

bool Server::adopt(std::unique_ptr<Wire> wire, const Router& router) {
  const auto executor = wire->executor();
  const auto connection = std::make_shared<Connection>(std::move(wire), commons_, router);
  Connections unused;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    // Those that make room need a moment to go.
    if (connections_.size() >= most_connections_ + most_connections_ / kRoomToMake + 1)
      return false;
    if (connections_.size() >= most_connections_) {
      unused = choose_unused();
      if (unused.empty()) return false;
    }
    connections_.insert(connection);
    if (serving_once_) connection->serve_once();
  }
  for (const auto& one : unused) one->make_room();
  commons_.counters.connections_shed += unused.size();
  asio::co_spawn(
      executor, [connection] { return connection->run(); },
      [this, connection](const std::exception_ptr&) { release(connection); });
  return true;
}

// Those that have been open without a request for longest.
Server::Connections Server::choose_unused() {
  std::vector<std::pair<Connection::Clock::time_point, std::shared_ptr<Connection>>> unused;
  for (const auto& connection : connections_) {
    if (const auto since = connection->unused_since()) unused.emplace_back(*since, connection);
  }
  const std::size_t most = most_connections_ / kRoomToMake + 1;
  const auto end = unused.begin() + static_cast<std::ptrdiff_t>(std::min(unused.size(), most));
  std::partial_sort(unused.begin(), end, unused.end());
  Connections chosen;
  for (auto one = unused.begin(); one != end; ++one) chosen.insert(one->second);
  return chosen;
}

void Server::release(const std::shared_ptr<Connection>& connection) {
  {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
    draining_.erase(connection);
  }
  connection_gone_.notify_all();
}

void Server::add(Listeners::Listener* listener) {
  const web::uri& uri = listener->uri();
  const auto entrance = std::find_if(entrances_.begin(), entrances_.end(),
                                     [&](const auto& one) { return is_at(*one, uri); });
  if (uri.scheme() != "https" || entrance == entrances_.end()) {
    throw std::invalid_argument("the listener isn't for https at one of the transport's endpoints");
  }
  (*entrance)->listeners().add(listener);
  (*entrance)->open();
}

void Server::remove(Listeners::Listener* listener) {
  for (const auto& entrance : entrances_) {
    Listeners& listeners = entrance->listeners();
    listeners.remove(listener);
    if (listeners.wait_until_unused(listener, commons_.limits.drain)) continue;
    abort_connections();
    while (!listeners.wait_until_unused(listener, kReminder)) {
      log::warn("still waiting for a handler to return");
    }
  }
}

void Server::reload_certificates() {
  std::vector<std::shared_ptr<const TlsContext>> fresh;
  for (const auto& entrance : entrances_) {
    fresh.push_back(std::make_shared<const TlsContext>(entrance->endpoint()));
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) entrances_[i]->use(std::move(fresh[i]));
}

void Server::drain() {
  std::unique_lock lock(mutex_);
  serving_once_ = true;
  draining_ = connections_;
  for (const auto& connection : draining_) connection->finish_soon();
  if (connection_gone_.wait_for(lock, commons_.limits.drain,
                                [this] { return draining_.empty(); })) {
    return;
  }
  for (const auto& connection : draining_) connection->abort();
  connection_gone_.wait(lock, [this] { return draining_.empty(); });
}

Statistics Server::statistics() const noexcept {
  const Counters& counters = commons_.counters;
  Statistics now{.connections_accepted = counters.connections_accepted,
                 .connections_shed = counters.connections_shed,
                 .handshakes_failed = counters.handshakes_failed,
                 .requests_refused = counters.requests_refused,
                 .bytes_received = counters.bytes_received,
                 .bytes_sent = counters.bytes_sent,
                 .requests = commons_.requests.in_use(),
                 .body_memory = commons_.body_memory.in_use()};
  const std::lock_guard lock(mutex_);
  now.connections = connections_.size();
  return now;
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
  for (const auto& entrance : entrances_) entrance->close();
  // 2. The requests at hand get a little time, then their connections are cut.
  const auto all_gone = [this] { return connections_.empty(); };
  std::unique_lock lock(mutex_);
  if (!connection_gone_.wait_for(lock, commons_.limits.drain, all_gone)) {
    lock.unlock();
    abort_connections();
    lock.lock();
    connection_gone_.wait(lock, all_gone);
  }
  lock.unlock();
  // 3. Handlers, which now find their peers gone, and the threads.
  handshakes_.join();
  workers_.finish();
  keep_running_.reset();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace letterbox::gateway::transport
