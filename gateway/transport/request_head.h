// The head of a request: request line and fields, RFC 9112 sections 2 to 6. Strict: what two
// parsers could read in two ways is refused, because one of them may sit in front of us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/transport/request_target.h"
#include "gateway/transport/transport.h"

namespace letterbox::gateway::transport {

/// How the end of a body is found, RFC 9112 section 6.3.
enum class BodyFraming : std::uint8_t { kNone, kContentLength, kChunked };

struct RequestHead {
  struct Field {
    std::string name;
    std::string value;
  };

  std::string method;
  RequestTarget target;
  int minor_version = 1;  ///< 0 or 1 of HTTP/1.x
  std::vector<Field> fields;
  BodyFraming framing = BodyFraming::kNone;
  std::optional<std::uint64_t> content_length;
  bool keep_alive = true;         ///< what the peer wishes
  bool expects_continue = false;  ///< it waits for 100 (Continue) before it sends the body

  /// The value of the first field of that name, or nothing. Names are compared without case.
  const std::string* find(std::string_view name) const noexcept;
};

/// Looks for the end of a request head in bytes as they arrive, and refuses early, so that nobody
/// makes us keep or wait for more than a head can be.
class HeadScanner {
 public:
  explicit HeadScanner(const Limits& limits) : limits_(limits) {}

  /// `received` is everything of this request so far and only ever grows. Returns the size of the
  /// head, with the empty line that ends it, once that is there. Throws Refusal: 400 for NUL and
  /// for a CR or LF that isn't part of CRLF, 414, 431.
  std::optional<std::size_t> scan(std::string_view received);

 private:
  const Limits& limits_;
  std::size_t position_ = 0;    // scanned up to here
  std::size_t line_start_ = 0;  // of the line that position_ is in
  std::size_t lines_ = 0;       // whole ones, the empty line that may precede a request not counted
};

/// Reads a whole head, as HeadScanner found it. Throws Refusal: 400, 405, 413, 414, 415, 417, 431,
/// 501, 505.
RequestHead parse_request_head(std::string_view head, const Limits& limits);

}  // namespace letterbox::gateway::transport
