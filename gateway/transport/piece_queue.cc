#include "gateway/transport/piece_queue.h"

#include <algorithm>

#include "base/secret.h"

namespace letterbox::gateway::transport {

PieceQueue::~PieceQueue() {
  for (Piece& piece : pieces_) {
    if (piece.memory) wipe({piece.memory.get(), piece.most});
  }
}

std::span<Byte> PieceQueue::room_locked() {
  if (closed_ || count_ == kPieces) return {};
  Piece& piece = pieces_[(first_ + count_) % kPieces];
  if (!piece.memory) piece.memory = std::make_unique_for_overwrite<Byte[]>(kPieceBytes);
  return {piece.memory.get(), kPieceBytes};
}

std::optional<ByteView> PieceQueue::front_locked() const {
  if (closed_) return std::nullopt;
  if (count_ > 0) return ByteView{pieces_[first_].memory.get(), pieces_[first_].size};
  if (ended_) return ByteView{};
  return std::nullopt;
}

std::span<Byte> PieceQueue::room() {
  const std::lock_guard lock(mutex_);
  return room_locked();
}

std::span<Byte> PieceQueue::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || count_ < kPieces; });
  return room_locked();
}

void PieceQueue::push(std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    Piece& piece = pieces_[(first_ + count_) % kPieces];
    piece.size = size;
    piece.most = std::max(piece.most, size);
    ++count_;
  }
  changed_.notify_all();
}

void PieceQueue::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

void PieceQueue::wait_until_empty() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || count_ == 0; });
}

std::optional<ByteView> PieceQueue::front() {
  const std::lock_guard lock(mutex_);
  return front_locked();
}

std::optional<ByteView> PieceQueue::wait_for_front() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || ended_ || count_ > 0; });
  return front_locked();
}

void PieceQueue::pop() {
  {
    const std::lock_guard lock(mutex_);
    first_ = (first_ + 1) % kPieces;
    --count_;
  }
  changed_.notify_all();
}

void PieceQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace letterbox::gateway::transport
