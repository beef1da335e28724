// One request on its way from the connection to a handler, and the answer on its way back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "gateway/transport/budget.h"
#include "gateway/transport/outcome.h"
#include "gateway/transport/peer.h"
#include "gateway/transport/piece_queue.h"
#include "gateway/transport/pushed.h"
#include "gateway/transport/refusal.h"
#include "gateway/transport/request_head.h"

namespace letterbox::gateway::transport {

/// What begins an answer, before the fields that the transport adds.
struct AnswerHead {
  int status = 200;
  std::string fields;                   ///< whole lines; none about framing or the connection
  std::optional<std::uint64_t> length;  ///< of the body; nothing: unknown
};

inline constexpr std::size_t kMostPushed =
    PieceQueue::kPieceBytes - 32;  ///< with its chunk's frame

/// Shared by a connection, on an io thread that never blocks, and a handler, on a thread that may.
/// It outlives whichever goes first.
///
/// The body: once the handler pulls for the first time, the connection reads on (until then only a
/// small first piece is held), and tells a peer that waits for it to go on. The answer is bytes,
/// head and all, that the connection only has to pass on.
class Handoff final : public Source {
 public:
  /// What the request takes of budgets that all share, for as long as this lives.
  struct Shares {
    Budget::Lease request;
    Budget::Lease body_memory;
  };

  /// `wake` makes the connection look at this again, on any thread.
  Handoff(RequestHead head, std::shared_ptr<const Peer> peer, Shares shares,
          std::function<void()> wake)
      : head_(std::move(head)),
        peer_(std::move(peer)),
        shares_(std::move(shares)),
        wake_(std::move(wake)) {}

  const RequestHead& head() const noexcept { return head_; }
  const Peer& peer() const noexcept { return *peer_; }
  /// When this was made, its head being there.
  std::chrono::steady_clock::time_point arrival() const noexcept { return arrival_; }
  /// See outcome_of() in exchange.h. Doesn't block.
  Outcome outcome() const;

  // The handler's side. All of it blocks.

  /// See body_of() in exchange.h.
  ByteView next() override;

  /// Sends an answer, with `head.length` bytes (or all that there are) from `content`, and waits
  /// until it's sent or the peer is gone. `content` may be null if there is nothing to send.
  /// Throws what `content` throws, after cutting the connection; kInternal when `content` ends
  /// early, or if there was an answer before.
  void answer(const AnswerHead& head, Source* content);

  /// Begins an answer whose content comes later, with push(), when the handler has returned: it has
  /// no worker and no share of the budgets then. Doesn't wait. Throws Error kInternal if there was
  /// an answer before.
  void begin_stream(const AnswerHead& head);
  /// Sends all of `bytes`, at most kMostPushed of them, as soon as the peer takes them, or nothing.
  /// After begin_stream(), for one thread at a time. Doesn't wait.
  Pushed push(ByteView bytes);
  /// There is no more content. Doesn't wait.
  void end_stream();

  /// The handler ends without an answer. Does nothing if there was one.
  void abandon() noexcept;

  // The connection's side. None of it blocks.

  PieceQueue& body_pieces() noexcept { return body_; }
  PieceQueue& answer_pieces() noexcept { return answer_; }
  /// The whole body lies in body_pieces(), or has passed through.
  void body_complete();
  /// The body broke; the handler is told at its next pull. True: it has begun no answer, and what
  /// it answers from now on is for nobody; the connection refuses the request.
  bool body_failed(const Refusal& refusal);
  /// The connection won't carry another request, whatever the peer wishes.
  void last_of_connection();
  /// The connection has no more to do with this: everything that waits is released.
  void close() noexcept;

  bool pulled() const;     ///< the handler wants the body
  bool answered() const;   ///< it began an answer
  bool abandoned() const;  ///< it never will
  bool cut() const;        ///< the answer can't be finished: close without a goodbye
  bool persists() const;   ///< the answer said that the connection stays open

 private:
  void wake();
  /// Decides how the answer is framed, and writes its head. RFC 9112 section 6.
  std::string begin_answer(const AnswerHead& head, bool& chunked);

  const RequestHead head_;
  const std::shared_ptr<const Peer> peer_;
  const std::chrono::steady_clock::time_point arrival_ = std::chrono::steady_clock::now();
  Shares shares_;
  PieceQueue body_;
  PieceQueue answer_;
  bool holds_piece_ = false;  // the handler's: it's looking at the front of body_

  mutable std::mutex mutex_;  // for all below
  std::function<void()> wake_;
  std::optional<Error> failure_;
  Outcome outcome_;
  bool body_complete_ = false;
  bool last_ = false;
  bool pulled_ = false;
  bool answered_ = false;
  bool abandoned_ = false;
  bool cut_ = false;
  bool persists_ = false;
  bool chunked_ = false;  // a stream is
};

}  // namespace letterbox::gateway::transport
