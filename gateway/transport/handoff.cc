#include "gateway/transport/handoff.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "gateway/transport/answer_head.h"

namespace letterbox::gateway::transport {

namespace {

/// Fills the pieces of an answer. Goes quiet once the connection has closed the queue.
class AnswerWriter {
 public:
  AnswerWriter(PieceQueue& pieces, const std::function<void()>& wake)
      : pieces_(pieces), wake_(wake) {}

  /// False: the peer is gone.
  bool write(ByteView bytes) {
    while (!bytes.empty()) {
      if (room_.empty()) {
        room_ = pieces_.wait_for_room();
        if (room_.empty()) return false;
      }
      const std::size_t size = std::min(bytes.size(), room_.size() - filled_);
      std::memcpy(room_.data() + filled_, bytes.data(), size);
      filled_ += size;
      bytes = bytes.subspan(size);
      if (filled_ == room_.size()) flush();
    }
    return true;
  }
  bool write(std::string_view text) { return write(as_bytes(text)); }

  void flush() {
    if (filled_ > 0) pieces_.push(filled_);
    filled_ = 0;
    room_ = {};
    wake_();
  }

 private:
  PieceQueue& pieces_;
  const std::function<void()>& wake_;
  std::span<Byte> room_;
  std::size_t filled_ = 0;
};

std::string chunk_head(std::size_t size) {
  std::array<char, 24> text{};
  const int length = std::snprintf(text.data(), text.size(), "%zx\r\n", size);
  return {text.data(), static_cast<std::size_t>(length)};
}

// RFC 9110 section 6.4.1.
bool may_have_body(const RequestHead& request, int status) noexcept {
  return request.method != "HEAD" && status >= 200 && status != 204 && status != 304;
}

}  // namespace

ByteView Handoff::next() {
  if (holds_piece_) {
    body_.pop();
    holds_piece_ = false;
  }
  {
    const std::lock_guard lock(mutex_);
    pulled_ = true;
  }
  wake();
  const auto piece = body_.wait_for_front();
  if (!piece) {
    const std::lock_guard lock(mutex_);
    if (failure_) throw Error(*failure_);
    throw Error(ErrorCode::kTruncatedBody, "the connection closed before the body had ended");
  }
  holds_piece_ = !piece->empty();
  const std::lock_guard lock(mutex_);
  outcome_.received += piece->size();
  return *piece;
}

std::string Handoff::begin_answer(const AnswerHead& head, bool& chunked) {
  std::string text = status_line(head.status) + head.fields;
  const std::lock_guard lock(mutex_);
  if (answered_) throw Error(ErrorCode::kInternal, "a request was answered twice");
  answered_ = true;
  if (!failure_) outcome_.status = head.status;
  // What follows a body that nobody reads can't be told from the next request.
  persists_ = head_.keep_alive && body_complete_ && !last_;
  chunked = false;
  if (head.length) {
    if (head.status >= 200 && head.status != 204) {
      text += field_line("Content-Length", std::to_string(*head.length));
    }
  } else if (may_have_body(head_, head.status)) {
    chunked = head_.minor_version == 1;
    if (chunked) text += field_line("Transfer-Encoding", "chunked");
    if (!chunked) persists_ = false;  // to an HTTP/1.0 peer, the end of the connection is the end
  }
  if (!persists_) text += field_line("Connection", "close");
  if (persists_ && head_.minor_version == 0) text += field_line("Connection", "keep-alive");
  return text + "\r\n";
}

void Handoff::answer(const AnswerHead& head, Source* content) {
  bool chunked = false;
  const std::string begin = begin_answer(head, chunked);
  const std::function<void()> wake_connection = [this] { wake(); };
  AnswerWriter writer(answer_, wake_connection);
  bool there = writer.write(begin);
  try {
    if (content != nullptr && may_have_body(head_, head.status)) {
      std::uint64_t left = head.length.value_or(UINT64_MAX);
      while (there && left > 0) {
        ByteView piece = content->next();
        if (piece.empty()) break;
        piece = piece.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size())));
        left -= piece.size();
        {
          const std::lock_guard lock(mutex_);
          outcome_.sent += piece.size();
        }
        if (chunked) {
          there =
              writer.write(chunk_head(piece.size())) && writer.write(piece) && writer.write("\r\n");
        } else {
          there = writer.write(piece);
        }
      }
      if (there && head.length && left > 0) {
        throw Error(ErrorCode::kInternal, "the content of an answer ended before its length");
      }
    }
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      cut_ = true;
    }
    wake();
    throw;
  }
  if (chunked && there) writer.write("0\r\n\r\n");
  writer.flush();
  answer_.end();
  wake();
  answer_.wait_until_empty();
}

void Handoff::begin_stream(const AnswerHead& head) {
  bool chunked = false;
  const std::string begin = begin_answer(head, chunked);
  {
    const std::lock_guard lock(mutex_);
    chunked_ = chunked;
    shares_ = {};
  }
  if (const std::span<Byte> room = answer_.room(); !room.empty()) {
    std::memcpy(room.data(), begin.data(), begin.size());
    answer_.push(begin.size());
  }
  if (!may_have_body(head_, head.status)) answer_.end();
  wake();
}

Pushed Handoff::push(ByteView bytes) {
  if (bytes.empty() || bytes.size() > kMostPushed) {
    throw Error(ErrorCode::kInternal, "a piece of a stream is empty, or too large");
  }
  std::string head;
  {
    const std::lock_guard lock(mutex_);
    if (!wake_ || cut_) return Pushed::kGone;
    if (chunked_) head = chunk_head(bytes.size());
  }
  const std::string_view tail = head.empty() ? "" : "\r\n";
  const std::span<Byte> room = answer_.room();
  if (room.empty()) return Pushed::kFull;
  std::memcpy(room.data(), head.data(), head.size());
  std::memcpy(room.data() + head.size(), bytes.data(), bytes.size());
  std::memcpy(room.data() + head.size() + bytes.size(), tail.data(), tail.size());
  answer_.push(head.size() + bytes.size() + tail.size());
  {
    const std::lock_guard lock(mutex_);
    outcome_.sent += bytes.size();
  }
  wake();
  return Pushed::kSent;
}

void Handoff::end_stream() {
  bool chunked = false;
  {
    const std::lock_guard lock(mutex_);
    chunked = chunked_;
  }
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  const std::span<Byte> room = answer_.room();
  if (chunked && !room.empty()) {
    std::memcpy(room.data(), kLastChunk.data(), kLastChunk.size());
    answer_.push(kLastChunk.size());
  }
  if (chunked && room.empty()) {
    // It hasn't taken what came before: it sees that the end is missing.
    const std::lock_guard lock(mutex_);
    cut_ = true;
  }
  answer_.end();
  wake();
}

void Handoff::abandon() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (answered_) return;
    abandoned_ = true;
  }
  wake();
}

void Handoff::body_complete() {
  {
    const std::lock_guard lock(mutex_);
    body_complete_ = true;
  }
  body_.end();
}

bool Handoff::body_failed(const Refusal& refusal) {
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    failure_ = Error(refusal.status() == 413 ? ErrorCode::kTooLarge : ErrorCode::kTruncatedBody,
                     refusal.detail());
    refused = !answered_;
    if (refused) outcome_.status = refusal.status();
  }
  body_.close();
  return refused;
}

void Handoff::last_of_connection() {
  const std::lock_guard lock(mutex_);
  last_ = true;
}

void Handoff::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }
  body_.close();
  answer_.close();
}

void Handoff::wake() {
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

Outcome Handoff::outcome() const {
  const std::lock_guard lock(mutex_);
  return outcome_;
}

bool Handoff::pulled() const {
  const std::lock_guard lock(mutex_);
  return pulled_;
}
bool Handoff::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}
bool Handoff::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}
bool Handoff::cut() const {
  const std::lock_guard lock(mutex_);
  return cut_;
}
bool Handoff::persists() const {
  const std::lock_guard lock(mutex_);
  return persists_;
}

}  // namespace letterbox::gateway::transport
