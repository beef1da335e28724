// What a handler does with a request beyond cpprestsdk's own: pull the body, push an answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "gateway/transport/outcome.h"
#include "gateway/transport/peer.h"
#include "gateway/transport/pushed.h"

namespace web::http {
class http_request;
class http_response;
}  // namespace web::http

namespace letterbox::gateway::transport {

class Handoff;

/// The request's body as it arrives, unframed (Content-Length or chunked), in pieces of at most
/// 256 KiB. Two pieces are in flight at the most; a handler that is slow to pull stops the socket
/// being read, and that is the backpressure. next() blocks, and throws Error kTruncatedBody when
/// the peer leaves, stalls or breaks the framing before the end; kTooLarge over Limits::body_bytes.
/// It lives as long as the request.
Source& body_of(const web::http::http_request& request);

/// Content-Length if the request has one.
std::optional<std::uint64_t> content_length(const web::http::http_request& request);

/// Whether a body follows, or may: one of no length doesn't.
bool has_body(const web::http::http_request& request);

/// As it was sent.
std::string_view method_of(const web::http::http_request& request);
/// Path and query, byte for byte as they were sent.
std::string_view target_of(const web::http::http_request& request);

/// Who asks.
const Peer& peer_of(const web::http::http_request& request);

/// When the request's head was there. The handler may have been called much later, after the first
/// of the body came and a worker was free.
std::chrono::steady_clock::time_point arrival_of(const web::http::http_request& request);

/// An answer that goes on when its handler has returned. For one thread at a time; when it dies,
/// the answer ends in order, if the peer has taken what came before.
class AnswerStream {
 public:
  explicit AnswerStream(std::shared_ptr<Handoff> handoff);
  ~AnswerStream();
  AnswerStream(const AnswerStream&) = delete;
  AnswerStream& operator=(const AnswerStream&) = delete;

  /// Doesn't wait; at most 64 KiB. See Pushed.
  Pushed push(std::string_view text);

 private:
  std::shared_ptr<Handoff> handoff_;
};

/// Sends the head of `response` and leaves the rest to what it returns. From here on the request is
/// none of those at hand: how many there may be is for the caller to bound. A peer that takes
/// nothing for Limits::stall is cut off; one that has nothing to take is kept.
std::unique_ptr<AnswerStream> begin_stream(const web::http::http_request& request,
                                           web::http::http_response response);

/// What became of a request. To be asked after reply(), or instead of it. If the transport has
/// answered by itself, because the framing broke or the body came too slowly, the status is its.
Outcome outcome_of(const web::http::http_request& request);

/// Sends `response` and waits until it is sent. A body that the handler left unread is drained a
/// little (so that an early refusal reaches a peer that is still sending), then the connection
/// closes. Failure to send isn't an error here: the peer is gone.
void reply(const web::http::http_request& request, web::http::http_response response);

/// Sends the head, then `length` bytes from `content`, or all that it yields if there is no length,
/// with backpressure: at most two pieces are held. If `content` throws or ends early the connection
/// is cut, so that the peer sees a short body, and the Error is rethrown for the log. With a HEAD
/// request `content` isn't pulled.
void reply(const web::http::http_request& request, web::http::http_response response,
           Source& content, std::optional<std::uint64_t> length);

}  // namespace letterbox::gateway::transport
