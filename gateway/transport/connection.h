// One TLS connection and the requests on it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "gateway/transport/body_decoder.h"
#include "gateway/transport/handoff.h"
#include "gateway/transport/refusal.h"
#include "gateway/transport/request_head.h"
#include "gateway/transport/transport.h"
#include "gateway/transport/watchdog.h"

namespace letterbox::gateway::transport {

/// Starts a handler on a thread of its own; doesn't block.
using Route = std::function<void(std::shared_ptr<Handoff>)>;
/// Finds the route of a request, before any of its body is read. Throws Refusal. Doesn't block.
using Router = std::function<Route(const RequestHead&)>;

/// What a coroutine waits for until somebody on the same strand tells it to look again.
class Signal {
 public:
  explicit Signal(const boost::asio::any_io_executor& executor)
      : timer_(executor, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::awaitable<void> wait();
  void notify() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

/// Serves requests one after the other, in order, until either side has had enough. Everything
/// happens on the socket's strand, but for the functions that say otherwise.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `context`, `limits` and `router` outlive it. The socket's executor is a strand.
  Connection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& context,
             const Limits& limits, const Router& router);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The whole life of the connection. Doesn't throw.
  boost::asio::awaitable<void> run();

  /// Closes once the request at hand is answered; at once if there is none. Any thread.
  void finish_soon();
  /// Closes now. Any thread.
  void abort();

 private:
  boost::asio::awaitable<void> handshake();
  boost::asio::awaitable<bool> serve_request();
  boost::asio::awaitable<std::optional<RequestHead>> read_head();
  boost::asio::awaitable<std::optional<Refusal>> converse();
  boost::asio::awaitable<void> read_body();
  boost::asio::awaitable<void> read_piece(std::size_t most);
  boost::asio::awaitable<void> stop_reading();
  boost::asio::awaitable<void> take_leave();
  boost::asio::awaitable<void> clean_up();

  boost::asio::awaitable<std::size_t> read_some(std::span<Byte> room);
  boost::asio::awaitable<void> write(ByteView bytes);
  void consume_input(std::size_t size);
  void cancel();

  const Limits& limits_;
  const Router& router_;
  std::string peer_;
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  std::shared_ptr<Watchdog> read_dog_;
  std::shared_ptr<Watchdog> write_dog_;
  Signal changed_;        // for the coroutine that serves
  Signal room_;           // for the one that reads a body
  Bytes input_;           // received and not yet looked at: the next head, or a body's beginning
  bool idle_ = false;     // between requests
  bool leaving_ = false;  // no further request
  bool unheard_ = false;  // the peer may still be sending something that nobody wants
  bool aborted_ = false;

  // Of the request at hand.
  std::shared_ptr<Handoff> handoff_;
  std::optional<BodyDecoder> decoder_;
  bool reading_ = false;       // read_body() runs
  bool stop_reading_ = false;  // and shall end
  std::optional<Refusal> broken_body_;
};

}  // namespace letterbox::gateway::transport
