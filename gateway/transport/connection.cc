#include "gateway/transport/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/log.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "gateway/transport/answer_head.h"

namespace letterbox::gateway::transport {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Room for a head to begin with: most fit, and somebody who never sends one costs no more.
constexpr std::size_t kHeadRoom = 1024;
// Read before there is a handler, from everybody who asks for one. Larger pieces are for the few
// who have one.
constexpr std::size_t kFirstPieceBytes = 64UL * 1024;
// How long, and for how many bytes, a peer that still sends is listened to after its answer: if we
// closed at once, the kernel would reset the connection, and the answer could be lost on its way.
constexpr std::chrono::seconds kLeaveTime{5};
constexpr std::chrono::seconds kIdleLeaveTime{1};
constexpr std::size_t kLeaveBytes = 64UL * 1024 * 1024;

constexpr Connection::Clock::rep kInUse = -1;

/// The peer has closed, or the connection has; nobody is left to tell.
struct PeerGone final : Error {
  explicit PeerGone(Where where = Where::here())
      : Error(ErrorCode::kTruncatedBody, "the peer has gone", where) {}
};

// A connection may outlast its client's certificate, and so may a session that it resumed.
bool is_valid_now(const ClientCertificate& certificate) {
  const auto now = std::chrono::system_clock::now();
  return certificate.not_before <= now && now <= certificate.not_after;
}

// The line that a handler would have written.
void log_refused(const Peer& peer, const Refusal& refusal, Connection::Clock::duration took) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  log::info("request", {{"request", Uuid::v7().text()},
                        {"peer", peer.address},
                        {"method", "-"},
                        {"route", "-"},
                        {"status", std::to_string(refusal.status())},
                        {"received", "0"},
                        {"sent", "0"},
                        {"milliseconds", std::to_string(milliseconds.count())}});
}

}  // namespace

asio::awaitable<void> Signal::wait() {
  error_code cancelled;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

Connection::Connection(std::unique_ptr<Wire> wire, Commons& commons, const Router& router)
    : commons_(commons),
      limits_(commons.limits),
      router_(router),
      wire_(std::move(wire)),
      read_dog_(std::make_shared<Watchdog>(wire_->executor(), [this] { wire_->cancel(); })),
      write_dog_(std::make_shared<Watchdog>(wire_->executor(), [this] { wire_->cancel(); })),
      changed_(wire_->executor()),
      room_(wire_->executor()),
      unused_since_(Clock::now().time_since_epoch().count()) {}

Connection::~Connection() {
  wipe(input_);
}

std::optional<Connection::Clock::time_point> Connection::unused_since() const noexcept {
  const Clock::rep since = unused_since_;
  if (since == kInUse) return std::nullopt;
  return Clock::time_point(Clock::duration(since));
}

void Connection::used(bool now) noexcept {
  unused_since_ = now ? kInUse : Clock::now().time_since_epoch().count();
}

void Connection::make_room() {
  unused_since_ = kInUse;  // chosen once is enough
  asio::post(wire_->executor(), [self = shared_from_this()] {
    self->made_room_ = true;
    self->leaving_ = true;
    if (self->handoff_) {
      self->handoff_->last_of_connection();
    } else if (self->awaits_head_) {
      self->wire_->cancel();
    } else {
      self->wire_->close();
    }
  });
}

void Connection::finish_soon() {
  asio::post(wire_->executor(), [self = shared_from_this()] {
    self->leaving_ = true;
    if (self->idle_) self->wire_->cancel();
    if (self->handoff_) self->handoff_->last_of_connection();
  });
}

void Connection::serve_once() {
  asio::post(wire_->executor(), [self = shared_from_this()] {
    self->last_ = true;
    if (self->handoff_) self->handoff_->last_of_connection();
  });
}

void Connection::abort() {
  asio::post(wire_->executor(), [self = shared_from_this()] {
    self->aborted_ = true;
    self->wire_->close();
    self->changed_.notify();
    self->room_.notify();
  });
}

asio::awaitable<void> Connection::run() {
  try {
    read_dog_->allow(limits_.handshake);
    const bool open = co_await wire_->open();
    read_dog_->call_off();
    if (open) {
      peer_ = std::make_shared<const Peer>(wire_->peer());
      while (co_await serve_request()) {
      }
      co_await take_leave();
    } else {
      ++commons_.counters.handshakes_failed;
    }
  } catch (const PeerGone&) {
    // Or it is to be left without a goodbye.
  } catch (const std::exception&) {
    log::error("a connection failed with a foreign exception");
  }
  co_await clean_up();
}

// One request: 1. its head, 2. whether there is room for it, and who answers it, 3. the first piece
// of its body, 4. body and answer at the same time. A refusal at any point ends the connection.
// True: there may be another request.
asio::awaitable<bool> Connection::serve_request() {
  bool routed = false;
  std::string method;
  Clock::time_point began = Clock::now();
  refused_.reset();
  try {
    auto head = co_await read_head();
    if (!head) co_return false;
    used(true);
    began = Clock::now();
    method = head->method;
    const Route route = router_(*head);
    handoff_ = admit(std::move(*head));
    body_broken_ = false;
    stop_reading_ = false;
    if (leaving_ || last_) handoff_->last_of_connection();
    decoder_.emplace(handoff_->head(), limits_);
    if (decoder_->complete()) {
      handoff_->body_complete();
    } else if (!handoff_->head().expects_continue) {
      co_await read_piece(kFirstPieceBytes);
    }
    route(handoff_);
    routed = true;
  } catch (const Refusal& thrown) {
    refused_ = thrown;
  }
  if (routed) co_await converse();
  co_await stop_reading();
  if (refused_) {
    ++commons_.counters.requests_refused;
    if (!routed) log_refused(*peer_, *refused_, Clock::now() - began);
    // A head that couldn't be read still lies in input_.
    const bool to_head =
        method == "HEAD" || (method.empty() && as_text(input_).starts_with("HEAD "));
    const std::string answer = refusal_answer(*refused_, !to_head);
    co_await write(as_bytes(answer));
  }
  const bool persists = !refused_ && handoff_->persists();
  unheard_ = refused_ || !decoder_->complete();
  if (handoff_) handoff_->close();
  handoff_.reset();
  used(false);
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
    if (made_room_) throw Refusal(503, "This server is serving as many connections as it can.");
    awaits_head_ = true;
    idle_ = before == 0;
    const std::span<Byte> room = extend_input(std::max(kHeadRoom, before));
    const std::size_t size = co_await wire_->read_some(room);
    input_.resize(before + size);
    commons_.counters.bytes_received += size;
    awaits_head_ = idle_ = false;
    if (size > 0) {
      if (before == 0) read_dog_->allow(limits_.header);
      continue;
    }
    const bool too_slow = read_dog_->has_bitten();
    read_dog_->call_off();
    if (before == 0) co_return std::nullopt;
    if (made_room_) continue;
    if (too_slow) throw Refusal(408, "The request head came too slowly.");
    throw PeerGone();
  }
}

std::shared_ptr<Handoff> Connection::admit(RequestHead head) {
  if (peer_->certificate && !is_valid_now(*peer_->certificate)) {
    throw Refusal(403, "The client certificate isn't valid at this time.");
  }
  auto request = commons_.requests.take(peer_->network, 1);
  // As much as it can come to: the two pieces, or the whole body if that is less.
  const std::uint64_t most = PieceQueue::kPieces * PieceQueue::kPieceBytes;
  std::uint64_t body = 0;
  if (head.framing != BodyFraming::kNone) body = std::min(most, head.content_length.value_or(most));
  auto memory = commons_.body_memory.take(peer_->network, static_cast<std::size_t>(body));
  if (!request || !memory) throw Refusal(503, "This server is serving as many requests as it can.");
  return std::make_shared<Handoff>(std::move(head), peer_,
                                   Handoff::Shares{std::move(*request), std::move(*memory)},
                                   [weak = weak_from_this()] {
                                     if (const auto self = weak.lock()) {
                                       asio::post(self->wire_->executor(), [self] {
                                         self->changed_.notify();
                                         self->room_.notify();
                                       });
                                     }
                                   });
}

// Passes the answer on as it comes, and sees that the body is read once the handler pulls. Ends
// with a refusal when there won't be an answer and something is left to say.
asio::awaitable<void> Connection::converse() {
  PieceQueue& answer = handoff_->answer_pieces();
  bool answering = false;
  while (true) {
    if (aborted_ || handoff_->cut()) throw PeerGone();
    if (handoff_->abandoned() && !refused_) {
      refused_.emplace(500, "The request couldn't be answered.");
    }
    if (refused_) co_return;
    if (const auto piece = answer.front()) {
      if (piece->empty()) co_return;
      answering = true;
      co_await write(*piece);
      answer.pop();
      continue;
    }
    if (handoff_->pulled() && !decoder_->complete() && !reading_ && !body_broken_) {
      if (handoff_->head().expects_continue && !answering) {
        co_await write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
      }
      reading_ = true;
      asio::co_spawn(
          wire_->executor(), [self = shared_from_this()] { return self->read_body(); },
          asio::detached);
      continue;
    }
    co_await changed_.wait();
  }
}

asio::awaitable<void> Connection::read_body() {
  const auto self = shared_from_this();
  std::optional<Refusal> broken;
  try {
    while (!decoder_->complete() && !stop_reading_) {
      if (handoff_->body_pieces().room().empty()) {
        co_await room_.wait();
      } else {
        co_await read_piece(PieceQueue::kPieceBytes);
      }
    }
  } catch (const Refusal& refusal) {
    broken = refusal;
  } catch (const PeerGone&) {
    broken = Refusal(400, "The body ended early.");
  } catch (const std::exception&) {
    broken = Refusal(500, "The body couldn't be read.");
  }
  body_broken_ = broken.has_value();
  if (broken && handoff_->body_failed(*broken)) refused_ = broken;
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
    if (!rest.empty()) std::copy(rest.begin(), rest.end(), extend_input(rest.size()).begin());
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
  read_dog_->allow(unheard_ ? kLeaveTime : kIdleLeaveTime);
  co_await wire_->finish();
  for (std::size_t drained = 0; drained < kLeaveBytes && !read_dog_->has_bitten() && !aborted_;) {
    const std::size_t size = co_await wire_->discard();
    if (size == 0) break;
    drained += size;
  }
}

asio::awaitable<void> Connection::clean_up() {
  wire_->close();
  stop_reading_ = true;
  if (handoff_) handoff_->close();
  room_.notify();
  while (reading_) co_await changed_.wait();
  handoff_.reset();
  read_dog_->call_off();
  write_dog_->call_off();
}

asio::awaitable<std::size_t> Connection::read_some(std::span<Byte> room) {
  const std::size_t size = co_await wire_->read_some(room);
  commons_.counters.bytes_received += size;
  if (size > 0) co_return size;
  if (read_dog_->has_bitten()) throw Refusal(408, "The body came too slowly.");
  throw PeerGone();
}

asio::awaitable<void> Connection::write(ByteView bytes) {
  std::size_t moved = 0;
  write_dog_->allow(limits_.stall);
  while (!bytes.empty()) {
    const std::size_t size = co_await wire_->write_some(bytes);
    if (size == 0) throw PeerGone();
    commons_.counters.bytes_sent += size;
    bytes = bytes.subspan(size);
    moved += size;
    if (moved >= limits_.stall_bytes) {
      moved = 0;
      write_dog_->allow(limits_.stall);
    }
  }
  write_dog_->call_off();
}

// Adds so much at the end of input_. A vector that grows by itself would leave what it held behind.
std::span<Byte> Connection::extend_input(std::size_t size) {
  const std::size_t before = input_.size();
  if (input_.capacity() < before + size) {
    Bytes larger;
    larger.reserve(before + size);
    larger.assign(input_.begin(), input_.end());
    wipe(input_);
    input_.swap(larger);
  }
  input_.resize(before + size);
  return std::span(input_).subspan(before);
}

void Connection::consume_input(std::size_t size) {
  std::copy(input_.begin() + static_cast<std::ptrdiff_t>(size), input_.end(), input_.begin());
  const std::size_t rest = input_.size() - size;
  wipe(std::span(input_).subspan(rest));
  input_.resize(rest);
  // What an idle connection keeps is for a head, and not for what once came with one.
  if (rest == 0 && input_.capacity() > 2 * kHeadRoom) Bytes().swap(input_);
}

}  // namespace letterbox::gateway::transport
