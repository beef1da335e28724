#include "gateway/transport/messages.h"

#include <limits>

#include "gateway/transport/answer_head.h"
#include "gateway/transport/body_stream.h"

namespace letterbox::gateway::transport {

namespace {

/// How cpprestsdk carries the handoff with a request, and on to the response that answers it.
class ServerContext final : public web::http::details::_http_server_context {
 public:
  explicit ServerContext(std::shared_ptr<Handoff> handoff) : handoff_(std::move(handoff)) {}
  ~ServerContext() override { handoff_->abandon(); }
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  const std::shared_ptr<Handoff>& handoff() const noexcept { return handoff_; }

 private:
  std::shared_ptr<Handoff> handoff_;
};

std::shared_ptr<Handoff> handoff_in(web::http::details::_http_server_context* context) {
  const auto* ours = dynamic_cast<ServerContext*>(context);
  if (ours == nullptr) {
    throw Error(ErrorCode::kInternal, "this request isn't the transport's, or it's answered");
  }
  return ours->handoff();
}

/// The transport's own: a handler's idea of them could contradict the framing.
bool is_ours(const std::string& name) {
  using utility::details::str_iequal;
  return str_iequal(name, "Content-Length") || str_iequal(name, "Transfer-Encoding") ||
         str_iequal(name, "Connection") || str_iequal(name, "Keep-Alive") ||
         str_iequal(name, "Date") || str_iequal(name, "X-Content-Type-Options");
}

}  // namespace

AnswerHead head_of(const web::http::http_response& response) {
  AnswerHead head;
  head.status = response.status_code();
  for (const auto& [name, value] : response.headers()) {
    if (!is_ours(name)) head.fields += field_line(name, value);
  }
  return head;
}

web::http::http_request make_request(std::shared_ptr<Handoff> handoff, const web::uri& listener) {
  const RequestHead& head = handoff->head();
  auto request = web::http::http_request::_create_request(std::make_unique<ServerContext>(handoff));
  request.set_method(head.method);
  request.set_request_uri(head.target.path_and_query);
  request._set_base_uri(listener.authority());
  request._set_listener_path(listener.path());
  for (const auto& field : head.fields) request.headers().add(field.name, field.value);
  const auto& impl = request._get_impl();
  impl->_set_http_version({1, static_cast<std::uint8_t>(head.minor_version)});
  impl->_set_remote_address(handoff->peer().address);
  impl->set_instream(stream_over(std::move(handoff)));
  // What the extract functions wait for before they look into the stream, which then blocks.
  impl->_complete(0);
  return request;
}

std::shared_ptr<Handoff> handoff_of(const web::http::http_request& request) {
  return handoff_in(request._get_server_context());
}

std::shared_ptr<Handoff> handoff_of(const web::http::http_response& response) {
  return handoff_in(response._get_server_context());
}

void send(Handoff& handoff, web::http::http_response response) {
  AnswerHead head = head_of(response);
  if (!response._get_impl()->instream().is_valid()) {
    // A HEAD request's handler may know the length of what it doesn't send.
    std::uint64_t length = 0;
    response.headers().match(web::http::header_names::content_length, length);
    head.length = handoff.head().method == "HEAD" ? length : 0;
    handoff.answer(head, nullptr);
    return;
  }
  const std::size_t length = response._get_impl()->_get_content_length();
  if (length != std::numeric_limits<std::size_t>::max()) head.length = length;
  StreamSource content(response._get_impl()->instream());
  handoff.answer(head, &content);
}

void send(Handoff& handoff, const web::http::http_response& response, Source& content,
          std::optional<std::uint64_t> length) {
  AnswerHead head = head_of(response);
  head.length = length;
  handoff.answer(head, &content);
}

}  // namespace letterbox::gateway::transport
