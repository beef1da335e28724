// One listening socket, and what can be asked for there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <mutex>

#include "gateway/transport/commons.h"
#include "gateway/transport/connection.h"
#include "gateway/transport/listeners.h"
#include "gateway/transport/tls_context.h"
#include "gateway/transport/transport.h"
#include "gateway/transport/wire.h"
#include "gateway/transport/workers.h"

namespace letterbox::gateway::transport {

/// Thread-safe.
class Entrance {
 public:
  /// Takes a new connection. On an io thread; doesn't block. False: there is no room for it.
  using Adopt = std::function<bool(std::unique_ptr<Wire>, const Router&)>;

  /// Binds. Handshakes are computed on `handshakes`; handlers, and what is told of certificates
  /// (see Options), run on `workers`. Throws Error kConfiguration.
  Entrance(boost::asio::io_context& io, boost::asio::any_io_executor handshakes,
           const Endpoint& endpoint, Commons& commons, Workers& workers, Adopt adopt,
           std::function<void(const Peer&)> certificate_refused);
  ~Entrance();
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  const Endpoint& endpoint() const noexcept { return endpoint_; }
  std::uint16_t port() const noexcept { return port_; }
  Listeners& listeners() noexcept { return listeners_; }

  /// From now on connections are accepted. Once is enough.
  void open();
  /// And from now on no more.
  void close();

  /// What new connections speak TLS with.
  std::shared_ptr<const TlsContext> tls() const;
  void use(std::shared_ptr<const TlsContext> tls);

 private:
  boost::asio::awaitable<void> accept();
  bool take_in(boost::asio::ip::tcp::socket socket);
  void shed();
  Route route(const RequestHead& head);
  void handle(Listeners::Lease& listener, const std::shared_ptr<Handoff>& handoff);
  void tell_refused(const Peer& peer);

  const Endpoint endpoint_;
  Commons& commons_;
  Workers& workers_;
  const Adopt adopt_;
  const Router router_;
  const std::function<void(const Peer&)> certificate_refused_;  // as Options has it
  const std::function<void(const Peer&)> tell_refused_;
  boost::asio::io_context& io_;
  const boost::asio::any_io_executor handshakes_;
  boost::asio::ip::tcp::acceptor acceptor_;  // on a strand of its own
  std::uint16_t port_ = 0;
  int spare_;  // on that strand; see shed()
  Listeners listeners_;

  mutable std::mutex mutex_;  // for all below
  std::shared_ptr<const TlsContext> tls_;
  bool opened_ = false;
};

}  // namespace letterbox::gateway::transport
