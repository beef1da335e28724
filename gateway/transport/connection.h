// One connection and the requests on it.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "gateway/transport/body_decoder.h"
#include "gateway/transport/commons.h"
#include "gateway/transport/handoff.h"
#include "gateway/transport/peer.h"
#include "gateway/transport/refusal.h"
#include "gateway/transport/request_head.h"
#include "gateway/transport/transport.h"
#include "gateway/transport/watchdog.h"
#include "gateway/transport/wire.h"

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
/// happens on the wire's strand, but for the functions that say otherwise.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  /// `commons` and `router` outlive it.
  Connection(std::unique_ptr<Wire> wire, Commons& commons, const Router& router);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The whole life of the connection. Doesn't throw.
  boost::asio::awaitable<void> run();

  // From any thread:

  /// Since when it has been open without a request at hand; nothing while there is one.
  std::optional<Clock::time_point> unused_since() const noexcept;
  /// Closes if it is unused, else once the request at hand is answered. What there is of a request
  /// head is answered with 503.
  void make_room();
  /// Closes once the request at hand is answered; at once if there is none.
  void finish_soon();
  /// Closes after its next answer.
  void serve_once();
  /// Closes now.
  void abort();

 private:
  boost::asio::awaitable<bool> serve_request();
  boost::asio::awaitable<std::optional<RequestHead>> read_head();
  std::shared_ptr<Handoff> admit(RequestHead head);
  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<void> read_body();
  boost::asio::awaitable<void> read_piece(std::size_t most);
  boost::asio::awaitable<void> stop_reading();
  boost::asio::awaitable<void> take_leave();
  boost::asio::awaitable<void> clean_up();

  boost::asio::awaitable<std::size_t> read_some(std::span<Byte> room);
  boost::asio::awaitable<void> write(ByteView bytes);
  std::span<Byte> extend_input(std::size_t size);
  void consume_input(std::size_t size);
  void used(bool now) noexcept;

  Commons& commons_;
  const Limits& limits_;
  const Router& router_;
  const std::unique_ptr<Wire> wire_;
  std::shared_ptr<const Peer> peer_;
  std::shared_ptr<Watchdog> read_dog_;
  std::shared_ptr<Watchdog> write_dog_;
  Signal changed_;  // for the coroutine that serves
  Signal room_;     // for the one that reads a body
  Bytes input_;     // received and not yet looked at: the next head, or a body's beginning
  bool awaits_head_ = false;  // and nothing else
  bool idle_ = false;         // and nothing of it has come
  bool leaving_ = false;      // no further request
  bool last_ = false;         // at most one
  bool made_room_ = false;
  bool unheard_ = false;  // the peer may still be sending something that nobody wants
  bool aborted_ = false;
  std::atomic<Clock::rep> unused_since_;  // kInUse: a request is at hand

  // Of the request at hand.
  std::shared_ptr<Handoff> handoff_;
  std::optional<BodyDecoder> decoder_;
  bool reading_ = false;       // read_body() runs
  bool stop_reading_ = false;  // and shall end
  bool body_broken_ = false;
  std::optional<Refusal> refused_;  // for it
};

}  // namespace letterbox::gateway::transport
