#include "gateway/routes.h"

#include <cpprest/http_msg.h>

#include <array>
#include <charconv>
#include <chrono>
#include <exception>

#include "base/error.h"
#include "base/log.h"
#include "gateway/api_json.h"
#include "gateway/collect.h"
#include "gateway/deliveries.h"
#include "gateway/deposit.h"
#include "gateway/deposit_timing.h"
#include "gateway/problem.h"
#include "gateway/target.h"
#include "gateway/transport/exchange.h"

namespace letterbox::gateway {

namespace {

using web::http::http_request;
using web::http::http_response;
using web::http::status_code;
using web::http::status_codes;

// Records and JSON requests are small; files are never read whole.
constexpr std::size_t kMaxRecordBody = 1024 * 1024;
constexpr std::size_t kMaxInboxPage = 100;

// Who sends, as long as the gateway doesn't know: somebody on this host.
const records::Handle& unknown_sender() {
  static const records::Handle handle = *records::Handle::parse("loopback@localhost");
  return handle;
}

// One request on its way through its handler.
struct Call {
  const http_request& request;
  const Services& services;
  Target target = {};
  std::string id = {};      ///< the path's {id}, if the route has one
  std::string route = "-";  ///< the route's template, for the log
  std::string allow = {};   ///< methods that the resource knows, for a 405
  status_code status = 0;   ///< 0 until an answer has begun

  void answer(http_response response) {
    status = response.status_code();
    response.headers().add("Cache-Control", "no-store");
    transport::reply(request, std::move(response));
  }

  void answer_json(status_code code, const std::string& json, const std::string& location = {}) {
    http_response response(code);
    response.set_body(json, "application/json");
    if (!location.empty()) response.headers().add("Location", location);
    answer(std::move(response));
  }
};

// An id that isn't one names nothing: 404, like one that doesn't exist.
Uuid path_id(const Call& call) {
  const std::optional<Uuid> id = Uuid::parse(call.id);
  if (!id) throw Error(ErrorCode::kNotFound, "the id in the path isn't a UUIDv7");
  return *id;
}

std::optional<Uuid> id_parameter(const Call& call, std::string_view name) {
  const std::optional<std::string> text = call.target.one(name);
  if (!text) return std::nullopt;
  const std::optional<Uuid> id = Uuid::parse(*text);
  if (!id) throw Error(ErrorCode::kMalformed, "an id in the query isn't a UUIDv7");
  return id;
}

std::optional<records::Time> time_parameter(const Call& call, std::string_view name) {
  const std::optional<std::string> text = call.target.one(name);
  if (!text) return std::nullopt;
  const std::optional<records::Time> time = records::parse_time(*text);
  if (!time) throw Error(ErrorCode::kMalformed, "a time in the query isn't RFC 3339 in UTC");
  return time;
}

// RFC 9110 section 8.3.1: type and subtype, without case, without parameters.
bool has_content_type(const http_request& request, std::string_view expected) {
  std::string type = request.headers().content_type();
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return utility::details::str_iequal(type, std::string(expected));
}

void require_content_type(const http_request& request, std::string_view expected) {
  if (!has_content_type(request, expected)) {
    throw Error(ErrorCode::kUnsupportedMediaType, "another Content-Type is needed here");
  }
}

std::string read_record_body(const http_request& request) {
  const Bytes body = read_all(transport::body_of(request), kMaxRecordBody);
  if (body.empty()) throw Error(ErrorCode::kEmptyBody, "a JSON body is needed here");
  return std::string(as_text(body));
}

records::Envelope read_envelope(const http_request& request) {
  require_content_type(request, "application/vnd.dsse.envelope.v1+json");
  return records::parse_envelope(read_record_body(request));
}

// --- POST /v1/files
// ---------------------------------------------------------------------------------

void post_file(Call& call) {
  call.target.allow_only({"to", "expires"});
  const std::optional<dicom::MediaType> claimed =
      dicom::parse_media_type(call.request.headers().content_type());
  if (!claimed) throw Error(ErrorCode::kUnsupportedMediaType, "neither DICOM, JPEG nor PNG");

  const std::vector<KnownDevice> devices =
      resolve(call.services.shelf.devices(), call.target.all("to"));
  const records::SignedCover cover =
      records::sign_cover(draft_cover(unknown_sender(), records::SealedBy::kGateway, devices,
                                      time_parameter(call, "expires")),
                          call.services.signing_key);
  DepositTiming timing(transport::body_of(call.request), call.services.shelf.blobs());
  const Receipt receipt =
      deposit(timing.body(), *claimed, cover, sender_of(call.services.shelf, cover.cover),
              call.services.signing_key, call.services.inspector, timing.shelf());
  call.services.metrics.sealed(timing.sealing());
  call.services.metrics.stored(timing.storing());
  call.answer_json(status_codes::Created, receipt_json(receipt, cover),
                   "/v1/files/" + receipt.file.id.text());
}

// --- Deliveries sealed on a device
// ------------------------------------------------------------------

void post_delivery(Call& call) {
  call.target.allow_only({});
  require_content_type(call.request, "application/json");
  const DraftRequest draft = parse_draft_request(read_record_body(call.request));
  const std::vector<KnownDevice> devices = resolve(call.services.shelf.devices(), draft.recipients);
  const records::Cover cover =
      draft_cover(draft.sender, records::SealedBy::kDevice, devices, draft.expires);
  call.answer_json(status_codes::Created, draft_json(cover, devices),
                   "/v1/deliveries/" + cover.delivery.text());
}

void put_cover(Call& call) {
  call.target.allow_only({});
  open_delivery(call.services.shelf, path_id(call), read_envelope(call.request));
  call.answer(http_response(status_codes::Created));
}

void post_delivery_file(Call& call) {
  call.target.allow_only({"id"});
  require_content_type(call.request, "application/age");
  const std::optional<Uuid> id = id_parameter(call, "id");
  if (!id) throw Error(ErrorCode::kMalformed, "the file's id is missing: ?id=");
  const records::SignedCover cover = open_cover(call.services.shelf, path_id(call));
  DepositTiming timing(transport::body_of(call.request), call.services.shelf.blobs());
  const storage::FileRecord file = deposit_sealed(timing.body(), *id, cover, timing.shelf());
  call.services.metrics.stored(timing.storing());
  call.answer_json(status_codes::Created, stored_json(file), "/v1/files/" + file.id.text());
}

storage::Delivery visible_delivery(Call& call) {
  std::optional<storage::Delivery> delivery =
      call.services.shelf.deliveries().find(storage::kGateway, path_id(call));
  if (!delivery || delivery->state != storage::DeliveryState::kClosed) {
    throw Error(ErrorCode::kNotFound, "no such delivery, or not closed");
  }
  return *std::move(delivery);
}

void post_close(Call& call) {
  call.target.allow_only({});
  close_delivery(call.services.shelf, path_id(call), read_envelope(call.request));
  call.answer_json(status_codes::OK, delivery_json(visible_delivery(call)));
}

// --- Reading
// ----------------------------------------------------------------------------------------

void get_delivery(Call& call) {
  call.target.allow_only({});
  call.answer_json(status_codes::OK, delivery_json(visible_delivery(call)));
}

void get_inbox(Call& call) {
  call.target.allow_only({"device", "after", "limit"});
  const std::optional<std::string> device = call.target.one("device");
  if (!device || !crypto::X25519Recipient::parse(*device)) {
    throw Error(ErrorCode::kMalformedRecipient, "an inbox is that of a device: ?device=age1…");
  }
  std::size_t limit = kMaxInboxPage;
  if (const std::optional<std::string> text = call.target.one("limit")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc() || end != text->data() + text->size() || limit == 0) {
      throw Error(ErrorCode::kMalformed, "limit isn't a positive number");
    }
    limit = std::min(limit, kMaxInboxPage);
  }
  // One more than asked tells whether there is a next page.
  std::vector<storage::Delivery> page = call.services.shelf.deliveries().inbox(
      storage::kGateway, *device, id_parameter(call, "after"), limit + 1);
  std::optional<Uuid> next;
  if (page.size() > limit) {
    page.resize(limit, page.front());
    next = page.back().id;
  }
  call.answer_json(status_codes::OK, inbox_json(page, next));
}

void get_file(Call& call) {
  call.target.allow_only({});
  const std::optional<Letter> letter = collect(call.services.shelf, path_id(call));
  if (!letter) throw Error(ErrorCode::kNotFound, "no such file");
  http_response response(status_codes::OK);
  response.headers().set_content_type("application/age");
  response.headers().add("Cache-Control", "no-store");
  response.headers().add("ETag", letter->etag);
  response.headers().add("Link",
                         "</v1/deliveries/" + letter->delivery.text() + ">; rel=\"collection\"");
  call.status = status_codes::OK;
  transport::reply(call.request, std::move(response), *letter->content, letter->length);
}

// --- For whoever runs the gateway
// -------------------------------------------------------------------------------------

void get_healthz(Call& call) {
  call.target.allow_only({});
  call.answer_json(status_codes::OK, R"({"alive":true})");
}

void get_readyz(Call& call) {
  call.target.allow_only({});
  const ReadinessReport report = call.services.readiness.report();
  call.answer_json(report.ready() ? status_codes::OK : status_codes::ServiceUnavailable,
                   to_json(report));
}

// --- The table
// --------------------------------------------------------------------------------------

struct Route {
  const char* method;
  std::vector<std::string_view> path;  ///< "{id}" matches any one segment
  void (*handler)(Call&);
  bool while_draining = false;
};

const std::vector<Route>& table() {
  static const std::vector<Route> routes = {
      {"POST", {"v1", "files"}, post_file},
      {"GET", {"v1", "files", "{id}"}, get_file},
      {"HEAD", {"v1", "files", "{id}"}, get_file},
      {"POST", {"v1", "deliveries"}, post_delivery},
      {"GET", {"v1", "deliveries", "{id}"}, get_delivery},
      {"PUT", {"v1", "deliveries", "{id}", "cover"}, put_cover},
      {"POST", {"v1", "deliveries", "{id}", "files"}, post_delivery_file},
      {"POST", {"v1", "deliveries", "{id}", "close"}, post_close},
      {"GET", {"v1", "inbox"}, get_inbox},
      {"GET", {"healthz"}, get_healthz, true},
      {"HEAD", {"healthz"}, get_healthz, true},
      {"GET", {"readyz"}, get_readyz, true},
      {"HEAD", {"readyz"}, get_readyz, true},
  };
  return routes;
}

bool matches(const Route& route, const std::vector<std::string>& segments) {
  if (route.path.size() != segments.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (route.path[i] != "{id}" && route.path[i] != segments[i]) return false;
  }
  return true;
}

std::string template_of(const Route& route) {
  std::string text;
  for (const std::string_view segment : route.path) text.append("/").append(segment);
  return text;
}

// Throws Error kNotFound, or kWrongMethod when `call.allow` lists the methods that there are.
const Route& find_route(Call& call) {
  for (const Route& route : table()) {
    if (!matches(route, call.target.segments())) continue;
    if (call.request.method() == route.method) return route;
    call.allow.append(call.allow.empty() ? "" : ", ").append(route.method);
  }
  if (call.allow.empty()) throw Error(ErrorCode::kNotFound, "no such resource");
  throw Error(ErrorCode::kWrongMethod, "no such method on this resource");
}

void dispatch(Call& call) {
  call.target = Target(call.request.relative_uri().path(), call.request.relative_uri().query());
  const Route& route = find_route(call);
  call.route = template_of(route);
  if (!route.while_draining &&
      call.services.readiness.turns_away(transport::arrival_of(call.request))) {
    throw Error(ErrorCode::kUnavailable, "stopping");
  }
  if (route.path.size() > 2) call.id = call.target.segments()[2];
  route.handler(call);
}

void answer_problem(Call& call, ErrorCode code, const std::string& request_id) {
  // The head of an answer is out already: the transport has cut the connection, which says enough.
  if (call.status != 0) return;
  const Problem problem = problem_of(code);
  http_response response(problem.status);
  response.set_body(to_json(problem), kProblemMediaType);
  response.headers().add("Letterbox-Request-Id", request_id);
  if (code == ErrorCode::kWrongMethod) response.headers().add("Allow", call.allow);
  if (code == ErrorCode::kUnavailable) response.headers().add("Retry-After", "5");
  call.answer(std::move(response));
}

}  // namespace

void Routes::handle(const http_request& request) const noexcept try {
  const std::string request_id = Uuid::v7().text();
  Call call{request, services_};
  try {
    dispatch(call);
  } catch (const Error& error) {
    if (problem_of(error.code()).status >= 500) {
      log::error("request failed", error, {{"request", request_id}, {"route", call.route}});
    }
    answer_problem(call, error.code(), request_id);
  } catch (const std::exception&) {
    // Foreign, past a room's door. Its text may quote input, so only the fact is logged.
    log::error("request failed by a foreign exception",
               {{"request", request_id}, {"route", call.route}});
    answer_problem(call, ErrorCode::kInternal, request_id);
  }
  const auto took = std::chrono::steady_clock::now() - transport::arrival_of(request);
  const transport::Outcome outcome = transport::outcome_of(request);
  services_.metrics.request(request.method(), call.route, outcome.status, took);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  // The template, never the target: ids and queries stay out of the log.
  log::info("request", {{"request", request_id},
                        {"peer", transport::peer_of(request).address},
                        {"method", request.method()},
                        {"route", call.route},
                        {"status", std::to_string(outcome.status)},
                        {"received", std::to_string(outcome.received)},
                        {"sent", std::to_string(outcome.sent)},
                        {"milliseconds", std::to_string(milliseconds.count())}});
} catch (const std::exception&) {
  // Out of memory, or the log is gone. The transport closes a request that nobody answered.
}

}  // namespace letterbox::gateway
