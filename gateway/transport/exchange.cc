#include "gateway/transport/exchange.h"

#include "gateway/transport/messages.h"

namespace letterbox::gateway::transport {

Source& body_of(const web::http::http_request& request) {
  return *handoff_of(request);
}

std::optional<std::uint64_t> content_length(const web::http::http_request& request) {
  return handoff_of(request)->head().content_length;
}

bool has_body(const web::http::http_request& request) {
  const RequestHead& head = handoff_of(request)->head();
  return head.framing == BodyFraming::kChunked || head.content_length.value_or(0) > 0;
}

std::string_view method_of(const web::http::http_request& request) {
  return handoff_of(request)->head().method;
}

std::string_view target_of(const web::http::http_request& request) {
  return handoff_of(request)->head().target.path_and_query;
}

const Peer& peer_of(const web::http::http_request& request) {
  return handoff_of(request)->peer();
}

std::chrono::steady_clock::time_point arrival_of(const web::http::http_request& request) {
  return handoff_of(request)->arrival();
}

Outcome outcome_of(const web::http::http_request& request) {
  return handoff_of(request)->outcome();
}

void reply(const web::http::http_request& request, web::http::http_response response) {
  send(*handoff_of(request), std::move(response));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a handle, and the same as above
void reply(const web::http::http_request& request, web::http::http_response response,
           Source& content, std::optional<std::uint64_t> length) {
  send(*handoff_of(request), response, content, length);
}

AnswerStream::AnswerStream(std::shared_ptr<Handoff> handoff) : handoff_(std::move(handoff)) {}

AnswerStream::~AnswerStream() {
  handoff_->end_stream();
}

Pushed AnswerStream::push(std::string_view text) {
  return handoff_->push(as_bytes(text));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a handle, and the same as above
std::unique_ptr<AnswerStream> begin_stream(const web::http::http_request& request,
                                           web::http::http_response response) {
  std::shared_ptr<Handoff> handoff = handoff_of(request);
  handoff->begin_stream(head_of(response));
  return std::make_unique<AnswerStream>(std::move(handoff));
}

}  // namespace letterbox::gateway::transport
