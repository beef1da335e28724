#include "gateway/transport/body_decoder.h"

#include <algorithm>
#include <cstring>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {

namespace {

// 16 hexadecimal digits are 64 bits.
constexpr std::size_t kLongestChunkSize = 16;
// Nobody needs extensions; a few are let pass.
constexpr std::size_t kMostExtensionBytes = 4096;

bool is_text(Byte byte) noexcept {
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

void expect(Byte byte, char wanted) {
  if (byte != static_cast<Byte>(wanted)) {
    throw Refusal(400, "A line of the chunked framing doesn't end with CR LF.");
  }
}

}  // namespace

BodyDecoder::BodyDecoder(const RequestHead& head, const Limits& limits)
    : limits_(limits), chunked_(head.framing == BodyFraming::kChunked), state_(State::kComplete) {
  if (chunked_) state_ = State::kSizeStart;
  if (head.framing == BodyFraming::kContentLength) {
    state_ = State::kData;
    remaining_ = *head.content_length;
  }
}

BodyDecoder::Step BodyDecoder::decode(std::span<Byte> bytes) {
  Step done{0, 0};
  while (done.taken < bytes.size() && state_ != State::kComplete) {
    if (state_ != State::kData) {
      step(bytes[done.taken++]);
      continue;
    }
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size() - done.taken));
    if (done.content != done.taken) {
      std::memmove(bytes.data() + done.content, bytes.data() + done.taken, size);
    }
    done.content += size;
    done.taken += size;
    remaining_ -= size;
    if (remaining_ == 0) state_ = chunked_ ? State::kDataReturn : State::kComplete;
  }
  return done;
}

// RFC 9112 section 7.1:
//   chunked-body = *chunk last-chunk trailer-section CRLF
//   chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
void BodyDecoder::step(Byte byte) {
  switch (state_) {
    case State::kSizeStart:
      remaining_ = 0;
      size_digits_ = 0;
      add_size_digit(byte);
      state_ = State::kSize;
      return;
    case State::kSize:
      if (byte == '\r') {
        state_ = State::kSizeEnd;
      } else if (byte == ';') {
        state_ = State::kExtension;
      } else {
        add_size_digit(byte);
      }
      return;
    case State::kExtension:
      if (byte == '\r') {
        state_ = State::kSizeEnd;
      } else if (!is_text(byte) || ++extension_bytes_ > kMostExtensionBytes) {
        throw Refusal(400, "A chunk extension is too long or has a control character.");
      }
      return;
    case State::kSizeEnd:
      expect(byte, '\n');
      end_size();
      return;
    case State::kDataReturn:
      expect(byte, '\r');
      state_ = State::kDataEnd;
      return;
    case State::kDataEnd:
      expect(byte, '\n');
      state_ = State::kSizeStart;
      return;
    case State::kTrailerStart:
    case State::kTrailer:
      if (byte == '\r') {
        state_ = state_ == State::kTrailerStart ? State::kLastEnd : State::kTrailerEnd;
        return;
      }
      if (!is_text(byte)) throw Refusal(400, "A trailer field has a control character.");
      if (++trailer_bytes_ > limits_.header_bytes) {
        throw Refusal(431, "The trailer fields are too long.");
      }
      state_ = State::kTrailer;
      return;
    case State::kTrailerEnd:
      expect(byte, '\n');
      state_ = State::kTrailerStart;
      return;
    case State::kLastEnd:
      expect(byte, '\n');
      state_ = State::kComplete;
      return;
    case State::kData:
    case State::kComplete:
      return;
  }
}

void BodyDecoder::add_size_digit(Byte byte) {
  unsigned value = 0;
  if (byte >= '0' && byte <= '9') {
    value = byte - '0';
  } else if (byte >= 'a' && byte <= 'f') {
    value = byte - 'a' + 10U;
  } else if (byte >= 'A' && byte <= 'F') {
    value = byte - 'A' + 10U;
  } else {
    throw Refusal(400, "A chunk size isn't a hexadecimal number.");
  }
  if (++size_digits_ > kLongestChunkSize) throw Refusal(400, "A chunk size is too long.");
  remaining_ = remaining_ << 4 | value;
}

void BodyDecoder::end_size() {
  if (remaining_ > limits_.body_bytes - announced_) {
    throw Refusal(413, "The body is larger than this server takes.");
  }
  announced_ += remaining_;
  state_ = remaining_ == 0 ? State::kTrailerStart : State::kData;
}

}  // namespace letterbox::gateway::transport
