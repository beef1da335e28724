// Between cpprestsdk's messages and a Handoff.
#pragma once

#include <cpprest/http_msg.h>

#include <memory>

#include "gateway/transport/handoff.h"

namespace letterbox::gateway::transport {

/// The request as cpprestsdk's handlers know it. Its body stream draws on the handoff, and when its
/// last copy goes without an answer the handoff is abandoned. `listener` is the URI that the
/// handling listener is for.
web::http::http_request make_request(std::shared_ptr<Handoff> handoff, const web::uri& listener);

/// The handoff behind a request that isn't answered, or behind a response that answers one. Throws
/// Error kInternal when there is none.
std::shared_ptr<Handoff> handoff_of(const web::http::http_request& request);
std::shared_ptr<Handoff> handoff_of(const web::http::http_response& response);

/// What begins an answer like `response`, but for its length.
AnswerHead head_of(const web::http::http_response& response);

/// Answers with a response and the body that was set on it. Throws what Handoff::answer throws.
void send(Handoff& handoff, web::http::http_response response);
/// Answers with a response's head and a body from `content`.
void send(Handoff& handoff, const web::http::http_response& response, Source& content,
          std::optional<std::uint64_t> length);

}  // namespace letterbox::gateway::transport
