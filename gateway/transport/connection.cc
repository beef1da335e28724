#include "gateway/transport/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/log.h"
#include "base/secret.h"
#include "gateway/transport/answer_head.h"

namespace letterbox::gateway::transport {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A TLS record, which is what one read yields at most.
constexpr std::size_t kRecordBytes = 16UL * 1024;
// Read before there is a handler, from everybody who asks for one. Larger pieces are for the few
// who have one.
constexpr std::size_t kFirstPieceBytes = 64UL * 1024;
// How long, and for how many bytes, a peer that still sends is listened to after its answer: if we
// closed at once, the kernel would reset the connection, and the answer could be lost on its way.
constexpr std::chrono::seconds kLeaveTime{5};
constexpr std::chrono::seconds kIdleLeaveTime{1};
constexpr std::size_t kLeaveBytes = 64UL * 1024 * 1024;

/// The peer has closed, or the connection has; nobody is left to tell.
struct PeerGone final : Error {
  explicit PeerGone(Where where = Where::here())
      : Error(ErrorCode::kTruncatedBody, "the peer has gone", where) {}
};

}  // namespace

asio::awaitable<void> Signal::wait() {
  error_code cancelled;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

Connection::Connection(asio::ip::tcp::socket socket, asio::ssl::context& context,
                       const Limits& limits, const Router& router)
    : limits_(limits),
      router_(router),
      stream_(std::move(socket), context),
      read_dog_(std::make_shared<Watchdog>(stream_.get_executor(), [this] { cancel(); })),
      write_dog_(std::make_shared<Watchdog>(stream_.get_executor(), [this] { cancel(); })),
      changed_(stream_.get_executor()),
      room_(stream_.get_executor()) {
  input_.reserve(limits_.header_bytes + 2 * kRecordBytes);
  error_code gone;
  const auto endpoint = stream_.next_layer().remote_endpoint(gone);
  if (!gone) peer_ = endpoint.address().to_string();
}

Connection::~Connection() {
  wipe(input_);
}

void Connection::finish_soon() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->leaving_ = true;
    if (self->idle_) self->cancel();
    if (self->handoff_) self->handoff_->last_of_connection();
  });
}

void Connection::abort() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->aborted_ = true;
    error_code ignored;
    self->stream_.lowest_layer().close(ignored);
    self->changed_.notify();
    self->room_.notify();
  });
}

void Connection::cancel() {
  error_code ignored;
  stream_.lowest_layer().cancel(ignored);
}

asio::awaitable<void> Connection::run() {
  try {
    co_await handshake();
    while (co_await serve_request()) {
    }
    co_await take_leave();
  } catch (const PeerGone&) {
    // Or it is to be left without a goodbye.
  } catch (const std::exception&) {
    log::error("a connection failed with a foreign exception");
  }
  co_await clean_up();
}

asio::awaitable<void> Connection::handshake() {
  error_code error;
  stream_.lowest_layer().set_option(asio::ip::tcp::no_delay(true), error);
  read_dog_->allow(limits_.handshake);
  co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                   asio::redirect_error(asio::use_awaitable, error));
  if (error) throw PeerGone();
  read_dog_->call_off();
}

// One request: 1. its head, 2. who answers it, 3. the first piece of its body, 4. body and answer
// at the same time. A refusal at any point ends the connection. True: there may be another request.
asio::awaitable<bool> Connection::serve_request() {
  std::optional<Refusal> refusal;
  std::string method;
  try {
    auto head = co_await read_head();
    if (!head) co_return false;
    method = head->method;
    const Route route = router_(*head);
    broken_body_.reset();
    stop_reading_ = false;
    handoff_ = std::make_shared<Handoff>(std::move(*head), peer_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        asio::post(self->stream_.get_executor(), [self] {
          self->changed_.notify();
          self->room_.notify();
        });
      }
    });
    if (leaving_) handoff_->last_of_connection();
    decoder_.emplace(handoff_->head(), limits_);
    if (decoder_->complete()) {
      handoff_->body_complete();
    } else if (!handoff_->head().expects_continue) {
      co_await read_piece(kFirstPieceBytes);
    }
    route(handoff_);
  } catch (const Refusal& thrown) {
    refusal = thrown;
  }
  if (!refusal) refusal = co_await converse();
  co_await stop_reading();
  if (refusal) {
    // A head that couldn't be read still lies in input_.
    const bool to_head =
        method == "HEAD" || (method.empty() && as_text(input_).starts_with("HEAD "));
    const std::string answer = refusal_answer(*refusal, !to_head);
    co_await write(as_bytes(answer));
  }
  const bool persists = !refusal && handoff_->persists();
  unheard_ = refusal || !decoder_->complete();
  if (handoff_) handoff_->close();
  handoff_.reset();
  co_return persists;
}

// Nothing: the peer left, was idle for too long, or we are leaving.
asio::awaitable<std::optional<RequestHead>> Connection::read_head() {
  HeadScanner scanner(limits_);
  read_dog_->allow(input_.empty() ? limits_.idle : limits_.header);
  while (true) {
    if (const auto size = scanner.scan(as_text(input_))) {
      RequestHead head = parse_request_head(as_text(input_).substr(0, *size), limits_);
      consume_input(*size);
      read_dog_->call_off();
      co_return head;
    }
    const std::size_t before = input_.size();
    if (before == 0 && leaving_) co_return std::nullopt;
    idle_ = before == 0;
    input_.resize(before + kRecordBytes);
    error_code error;
    const std::size_t size =
        co_await stream_.async_read_some(asio::buffer(input_.data() + before, kRecordBytes),
                                         asio::redirect_error(asio::use_awaitable, error));
    input_.resize(before + size);
    idle_ = false;
    if (error) {
      if (before == 0) co_return std::nullopt;
      if (read_dog_->has_bitten()) {
        read_dog_->call_off();
        throw Refusal(408, "The request head came too slowly.");
      }
      throw PeerGone();
    }
    if (before == 0) read_dog_->allow(limits_.header);
  }
}

// Passes the answer on as it comes, and sees that the body is read once the handler pulls. Returns
// a refusal when there won't be an answer and something is left to say.
asio::awaitable<std::optional<Refusal>> Connection::converse() {
  PieceQueue& answer = handoff_->answer_pieces();
  bool answering = false;
  while (true) {
    if (aborted_ || handoff_->cut()) throw PeerGone();
    if (broken_body_ && !answering) co_return broken_body_;
    if (handoff_->abandoned()) co_return Refusal(500, "The request couldn't be answered.");
    if (const auto piece = answer.front()) {
      if (piece->empty()) co_return std::nullopt;
      answering = true;
      co_await write(*piece);
      answer.pop();
      continue;
    }
    if (handoff_->pulled() && !decoder_->complete() && !reading_ && !broken_body_) {
      if (handoff_->head().expects_continue && !answering) {
        co_await write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
      }
      reading_ = true;
      asio::co_spawn(
          stream_.get_executor(), [self = shared_from_this()] { return self->read_body(); },
          asio::detached);
      continue;
    }
    co_await changed_.wait();
  }
}

asio::awaitable<void> Connection::read_body() {
  const auto self = shared_from_this();
  try {
    while (!decoder_->complete() && !stop_reading_) {
      if (handoff_->body_pieces().room().empty()) {
        co_await room_.wait();
      } else {
        co_await read_piece(PieceQueue::kPieceBytes);
      }
    }
  } catch (const Refusal& refusal) {
    broken_body_ = refusal;
  } catch (const PeerGone&) {
    broken_body_ = Refusal(400, "The body ended early.");
  } catch (const std::exception&) {
    broken_body_ = Refusal(500, "The body couldn't be read.");
  }
  if (broken_body_) {
    handoff_->body_failed(
        broken_body_->status() == 413 ? ErrorCode::kTooLarge : ErrorCode::kTruncatedBody,
        broken_body_->detail());
  }
  reading_ = false;
  changed_.notify();
}

// Fills one piece, or reads to the end of the body.
asio::awaitable<void> Connection::read_piece(std::size_t most) {
  const std::span<Byte> room = handoff_->body_pieces().room().first(most);
  std::size_t filled = 0;
  std::size_t moved = 0;
  read_dog_->allow(limits_.stall);
  while (filled < room.size() && !decoder_->complete()) {
    const std::span<Byte> tail = room.subspan(filled);
    if (!input_.empty()) {
      const std::size_t size = std::min(tail.size(), input_.size());
      std::memcpy(tail.data(), input_.data(), size);
      const auto step = decoder_->decode(tail.first(size));
      consume_input(step.taken);
      filled += step.content;
      continue;
    }
    const std::size_t size = co_await read_some(tail);
    const auto step = decoder_->decode(tail.first(size));
    const auto rest = tail.first(size).subspan(step.taken);
    input_.insert(input_.end(), rest.begin(), rest.end());
    filled += step.content;
    moved += size;
    if (moved >= limits_.stall_bytes) {
      moved = 0;
      read_dog_->allow(limits_.stall);
    }
  }
  read_dog_->call_off();
  if (filled > 0) handoff_->body_pieces().push(filled);
  if (decoder_->complete()) handoff_->body_complete();
}

asio::awaitable<void> Connection::stop_reading() {
  stop_reading_ = true;
  room_.notify();
  while (reading_) {
    read_dog_->allow({});
    co_await changed_.wait();
  }
  read_dog_->call_off();
}

// RFC 9112 section 9.6: say that we are done, then listen for a while to a peer that still sends,
// so that it gets to read its answer.
asio::awaitable<void> Connection::take_leave() {
  auto& socket = stream_.next_layer();
  error_code error;
  read_dog_->allow(unheard_ ? kLeaveTime : kIdleLeaveTime);
  co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  socket.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  Bytes scratch(4 * kRecordBytes);
  for (std::size_t drained = 0; drained < kLeaveBytes && !read_dog_->has_bitten() && !aborted_;) {
    const std::size_t size = co_await socket.async_read_some(
        asio::buffer(scratch), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    drained += size;
  }
}

asio::awaitable<void> Connection::clean_up() {
  error_code ignored;
  stream_.lowest_layer().close(ignored);
  stop_reading_ = true;
  if (handoff_) handoff_->close();
  room_.notify();
  while (reading_) co_await changed_.wait();
  read_dog_->call_off();
  write_dog_->call_off();
}

asio::awaitable<std::size_t> Connection::read_some(std::span<Byte> room) {
  error_code error;
  const std::size_t size = co_await stream_.async_read_some(
      asio::buffer(room.data(), room.size()), asio::redirect_error(asio::use_awaitable, error));
  if (error && read_dog_->has_bitten()) throw Refusal(408, "The body came too slowly.");
  if (error) throw PeerGone();
  co_return size;
}

asio::awaitable<void> Connection::write(ByteView bytes) {
  std::size_t moved = 0;
  write_dog_->allow(limits_.stall);
  while (!bytes.empty()) {
    error_code error;
    const std::size_t size = co_await stream_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()), asio::redirect_error(asio::use_awaitable, error));
    if (error) throw PeerGone();
    bytes = bytes.subspan(size);
    moved += size;
    if (moved >= limits_.stall_bytes) {
      moved = 0;
      write_dog_->allow(limits_.stall);
    }
  }
  write_dog_->call_off();
}

void Connection::consume_input(std::size_t size) {
  std::copy(input_.begin() + static_cast<std::ptrdiff_t>(size), input_.end(), input_.begin());
  const std::size_t rest = input_.size() - size;
  wipe(std::span(input_).subspan(rest));
  input_.resize(rest);
}

}  // namespace letterbox::gateway::transport
