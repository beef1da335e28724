// The listening socket, its threads and its connections.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "gateway/transport/connection.h"
#include "gateway/transport/listeners.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway::transport {

/// Thread-safe. Two threads do all the network and TLS work and never block; handlers run on
/// Limits::workers others.
class Server {
 public:
  /// Binds. Throws as Transport does.
  explicit Server(const Options& options);
  /// Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  /// With the first listener, connections are accepted. Throws std::invalid_argument when the
  /// listener's URI isn't one of ours, or taken.
  void add(Listeners::Listener* listener);
  /// Waits for the requests that the listener has at hand: for Limits::grace for those that end by
  /// themselves, and then, connections cut, for the handlers to return.
  void remove(Listeners::Listener* listener);

 private:
  void start();
  boost::asio::awaitable<void> accept();
  bool adopt(boost::asio::ip::tcp::socket socket);
  void release(const std::shared_ptr<Connection>& connection);
  Route route(const RequestHead& head);
  void handle(Listeners::Lease& listener, const std::shared_ptr<Handoff>& handoff);
  void abort_connections();
  void stop();

  const Limits limits_;
  boost::asio::ssl::context tls_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  boost::asio::ip::tcp::acceptor acceptor_;  // on a strand of its own
  Signal slot_free_;                         // on the same
  std::uint16_t port_ = 0;
  Router router_;
  Listeners listeners_;
  boost::asio::thread_pool workers_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // for all below
  std::condition_variable connection_gone_;
  std::set<std::shared_ptr<Connection>> connections_;
  bool started_ = false;
  bool stopping_ = false;
};

}  // namespace letterbox::gateway::transport
