// Takes the framing off a request's body, RFC 9112 sections 6 and 7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "gateway/transport/request_head.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway::transport {

/// Works on bytes as they arrive, cut anywhere, and keeps none. Chunk extensions and trailer fields
/// are checked, counted and dropped. Throws Refusal: 400 for what isn't the grammar, 413 over
/// Limits::body_bytes, 431 for trailers over Limits::header_bytes. After a throw it is spent.
class BodyDecoder {
 public:
  BodyDecoder(const RequestHead& head, const Limits& limits);

  struct Step {
    std::size_t content;  ///< so many bytes of content now lie at the front
    std::size_t taken;  ///< so many bytes were the body's; those behind belong to the next request
  };
  /// Decodes in place: content is moved to the front of `bytes`. Bytes that aren't taken stay where
  /// they are.
  Step decode(std::span<Byte> bytes);

  /// The body has ended, and nothing more will be taken.
  bool complete() const noexcept { return state_ == State::kComplete; }

 private:
  enum class State : std::uint8_t {
    kSizeStart,
    kSize,
    kExtension,
    kSizeEnd,
    kData,
    kDataReturn,
    kDataEnd,
    kTrailerStart,
    kTrailer,
    kTrailerEnd,
    kLastEnd,
    kComplete,
  };
  void step(Byte byte);
  void add_size_digit(Byte byte);
  void end_size();

  const Limits& limits_;
  const bool chunked_;
  State state_;
  std::uint64_t remaining_ = 0;  // of Content-Length, or of the chunk
  std::uint64_t announced_ = 0;  // sum of all chunk sizes
  std::size_t size_digits_ = 0;
  std::size_t extension_bytes_ = 0;  // of all chunks: else small chunks could carry any amount
  std::size_t trailer_bytes_ = 0;
};

}  // namespace letterbox::gateway::transport
