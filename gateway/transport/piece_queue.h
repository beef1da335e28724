// The bounded hand-over of bytes between a connection and a handler.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "base/bytes.h"

namespace letterbox::gateway::transport {

/// Two pieces of memory that go round between one producer and one consumer. The piece that the
/// consumer is looking at counts, so a producer is never more than two ahead; one that finds no
/// room must stop, and that is all the backpressure there is. Memory is made when first needed, and
/// wiped at the end, because it held what somebody wanted sealed.
///
/// Thread-safe. The functions that block say so: handlers use them, connections mustn't.
class PieceQueue {
 public:
  static constexpr std::size_t kPieceBytes = 256UL * 1024;
  static constexpr std::size_t kPieces = 2;

  PieceQueue() = default;
  ~PieceQueue();
  PieceQueue(const PieceQueue&) = delete;
  PieceQueue& operator=(const PieceQueue&) = delete;

  // The producer's side.

  /// Memory for the next piece; empty while both are in use, and after close().
  std::span<Byte> room();
  /// Like room(), but blocks while both are in use. Empty: the consumer has closed.
  std::span<Byte> wait_for_room();
  /// The first `size` bytes of the room are the next piece. `size` isn't 0.
  void push(std::size_t size);
  /// There are no more pieces.
  void end();
  /// Blocks until the consumer has taken everything, or closed.
  void wait_until_empty();

  // The consumer's side.

  /// The oldest piece; empty bytes at the end; nothing when there is none yet.
  std::optional<ByteView> front();
  /// Like front(), but blocks. Nothing: closed.
  std::optional<ByteView> wait_for_front();
  /// Gives the oldest piece back.
  void pop();

  /// Either side gives up: nobody waits any more, and what is there isn't handed over.
  void close();

 private:
  struct Piece {
    std::unique_ptr<Byte[]> memory;
    std::size_t size = 0;
    std::size_t most = 0;  // of its sizes so far: what has to be wiped
  };
  std::span<Byte> room_locked();
  std::optional<ByteView> front_locked() const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Piece, kPieces> pieces_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace letterbox::gateway::transport
