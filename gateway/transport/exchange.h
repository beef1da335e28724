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

namespace web::http {
class http_request;
class http_response;
}  // namespace web::http

namespace letterbox::gateway::transport {

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

/// What became of a request. To be asked after reply(), or instead of it. If the transport has
/// answered by itself, because the framing broke or the body came too slowly, the status is its.
Outcome outcome_of(const web::http::http_request& request);

/// Sends `response` and waits until it is sent. A body that the handler left unread is drained a
/// little (so that an early refusal reaches a peer that is still sending), then the connection
/// closes. Failure to send isn't an error here: the peer is gone.
void reply(const web::http::http_request& request, web::http::http_response response);

/// Sends the head, then `length` bytes from `content` with backpressure: at most two pieces are
/// held. If `content` throws or ends early the connection is cut, so that the peer sees a short
/// body, and the Error is rethrown for the log. With a HEAD request `content` isn't pulled.
void reply(const web::http::http_request& request, web::http::http_response response,
           Source& content, std::uint64_t length);

}  // namespace letterbox::gateway::transport
