// The entrances, the threads behind them, and the connections.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "gateway/transport/commons.h"
#include "gateway/transport/connection.h"
#include "gateway/transport/entrance.h"
#include "gateway/transport/transport.h"
#include "gateway/transport/workers.h"

namespace letterbox::gateway::transport {

/// See Transport. Two threads do all the network and TLS work and never block; a third computes
/// handshakes, at a lower priority, so that a flood of them takes one core at most, and that from
/// nobody who is in; handlers run on Limits::workers others. Thread-safe.
class Server {
 public:
  explicit Server(const Options& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port(std::size_t endpoint) const { return entrances_.at(endpoint)->port(); }

  /// With its first listener an entrance opens. Throws std::invalid_argument when the listener's
  /// URI isn't one of ours, or taken.
  void add(Listeners::Listener* listener);
  /// Waits for the requests that the listener has at hand: for Limits::drain for those that end by
  /// themselves, and then, connections cut, for the handlers to return.
  void remove(Listeners::Listener* listener);

  void reload_certificates();
  void drain();
  Statistics statistics() const noexcept;

 private:
  using Connections = std::set<std::shared_ptr<Connection>>;

  bool adopt(std::unique_ptr<Wire> wire, const Router& router);
  void release(const std::shared_ptr<Connection>& connection);
  Connections choose_unused();
  void abort_connections();
  void stop();

  Commons commons_;
  const std::size_t most_connections_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  boost::asio::thread_pool handshakes_;
  Workers workers_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;  // for all below
  std::condition_variable connection_gone_;
  Connections connections_;
  Connections draining_;  // of these, those that were there when drain() began
  bool serving_once_ = false;
  bool stopping_ = false;
};

}  // namespace letterbox::gateway::transport
