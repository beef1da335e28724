#include "gateway/routes/call.h"

#include <algorithm>

#include "base/error.h"
#include "gateway/amount.h"
#include "gateway/identity/announced_body.h"

namespace letterbox::gateway {

namespace {

using web::http::http_response;
using web::http::status_code;

// Records and JSON requests are small; files are never read whole.
constexpr std::size_t kMaxSmallBody = std::size_t{1024} * 1024;

std::optional<std::string> field_of(const web::http::http_request& request, std::string_view name) {
  const auto& fields = request.headers();
  const auto found = fields.find(std::string(name));
  if (found == fields.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Presented presented_by(const web::http::http_request& request) {
  return {.peer = transport::peer_of(request),
          .method = transport::method_of(request),
          .target = transport::target_of(request),
          .has_body = transport::has_body(request),
          .field = [&request](std::string_view name) { return field_of(request, name); }};
}

void Call::permit(bool allowed) {
  permitted = allowed;
  if (!allowed) throw Error(ErrorCode::kNotFound, "not this caller's");
}

Allowance Call::allowance() const {
  return allowance_of(services.shelf.tenants(), caller.tenant, services.allowance);
}

Source& Call::body() {
  Source& body = transport::body_of(request);
  if (!caller.announced_body) return body;
  if (!checked_body) checked_body = std::make_unique<AnnouncedBody>(body, *caller.announced_body);
  return *checked_body;
}

Source& Call::body_to_store() {
  if (!stored_body) stored_body = std::make_unique<StoredBody>(body(), services.disk);
  return *stored_body;
}

std::string Call::small_body() {
  const Bytes whole = read_all(body(), kMaxSmallBody);
  if (whole.empty()) throw Error(ErrorCode::kEmptyBody, "a body is needed here");
  return std::string(as_text(whole));
}

std::string Call::json_body() {
  require_content_type("application/json");
  return small_body();
}

records::Envelope Call::envelope_body() {
  require_content_type("application/vnd.dsse.envelope.v1+json");
  return records::parse_envelope(small_body());
}

const std::string& Call::path(std::string_view name) const {
  const auto found = named_segments.find(name);
  if (found == named_segments.end()) throw Error(ErrorCode::kInternal, "no such segment");
  return found->second;
}

Uuid Call::path_id() const {
  const std::optional<Uuid> uuid = Uuid::parse(path("id"));
  if (!uuid) throw Error(ErrorCode::kNotFound, "the id in the path isn't a UUIDv7");
  return *uuid;
}

std::optional<Uuid> Call::id_parameter(std::string_view name) const {
  const std::optional<std::string> text = target.one(name);
  if (!text) return std::nullopt;
  const std::optional<Uuid> uuid = Uuid::parse(*text);
  if (!uuid) throw Error(ErrorCode::kMalformed, "an id in the query isn't a UUIDv7");
  return uuid;
}

std::optional<std::string> Call::field(const std::string& name) const {
  return field_of(request, name);
}

std::optional<std::uint64_t> Call::number_parameter(std::string_view name) const {
  const std::optional<std::string> text = target.one(name);
  if (!text) return std::nullopt;
  const std::optional<std::uint64_t> number = parse_number(*text);
  if (!number) throw Error(ErrorCode::kMalformed, "a number in the query isn't one");
  return number;
}

std::size_t Call::limit_parameter(std::size_t most) const {
  const std::uint64_t limit = number_parameter("limit").value_or(most);
  if (limit == 0) throw Error(ErrorCode::kMalformed, "limit isn't a positive number");
  return static_cast<std::size_t>(std::min<std::uint64_t>(limit, most));
}

std::optional<records::Time> Call::time_parameter(std::string_view name) const {
  const std::optional<std::string> text = target.one(name);
  if (!text) return std::nullopt;
  const std::optional<records::Time> time = records::parse_time(*text);
  if (!time) throw Error(ErrorCode::kMalformed, "a time in the query isn't RFC 3339 in UTC");
  return time;
}

// RFC 9110 section 8.3.1: type and subtype, without case, without parameters.
bool Call::has_content_type(std::string_view expected) const {
  std::string type = request.headers().content_type();
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return utility::details::str_iequal(type, std::string(expected));
}

void Call::require_content_type(std::string_view expected) const {
  if (!has_content_type(expected)) {
    throw Error(ErrorCode::kUnsupportedMediaType, "another Content-Type is needed here");
  }
}

namespace {

// The last fence: a handler that forgot to ask whether its caller may have the thing must not hand
// it out.
void require_asked(const Call& call) {
  if (call.right != nullptr && call.right->provided != Provided::kNothing &&
      call.permitted != true) {
    throw Error(ErrorCode::kInternal, "an answer was made, and nobody asked whether it may be");
  }
}

}  // namespace

void Call::always(std::string name, std::string value) {
  always_fields.emplace_back(std::move(name), std::move(value));
}

void Call::begin_answer(http_response& response) {
  status = response.status_code();
  response.headers().add("Cache-Control", "no-store");
  for (const auto& [name, value] : always_fields) response.headers().add(name, value);
}

void Call::answer(http_response response) {
  require_asked(*this);
  answer_unasked(std::move(response));
}

void Call::answer(http_response response, Source& content, std::optional<std::uint64_t> length) {
  require_asked(*this);
  begin_answer(response);
  transport::reply(request, std::move(response), content, length);
}

std::unique_ptr<transport::AnswerStream> Call::answer_stream(http_response response) {
  require_asked(*this);
  begin_answer(response);
  return transport::begin_stream(request, std::move(response));
}

void Call::answer_json(status_code code, const std::string& json, const std::string& location) {
  http_response response(code);
  response.set_body(json, "application/json");
  if (!location.empty()) response.headers().add("Location", location);
  answer(std::move(response));
}

void Call::answer_empty(status_code code) {
  answer(http_response(code));
}

void Call::answer_unasked(http_response response) {
  begin_answer(response);
  transport::reply(request, std::move(response));
}

}  // namespace letterbox::gateway
