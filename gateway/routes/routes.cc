#include "gateway/routes/routes.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <span>

#include "base/error.h"
#include "base/log.h"
#include "gateway/routes/call.h"
#include "gateway/routes/handlers.h"
#include "gateway/routes/problem.h"
#include "gateway/stow/answer.h"
#include "gateway/transport/exchange.h"

namespace letterbox::gateway {

namespace {

using web::http::http_request;
using web::http::http_response;

struct Route {
  Route(std::string_view its_method, std::string_view its_path, void (*its_handler)(Call&),
        bool even_while_draining = false)
      : method(its_method),
        path(its_path),
        segments(Target(its_path, "").segments()),
        handler(its_handler),
        while_draining(even_while_draining),
        right(right_to(its_method, its_path)) {}

  std::string_view method;
  std::string_view path;  ///< the template
  /// Of the path. "{name}" stands for any one segment, "{name...}" for one or more at the end.
  std::vector<std::string> segments;
  void (*handler)(Call&);
  bool while_draining;
  const Right* right;  ///< null if nobody has one
};

const std::vector<Route>& table() {
  static const std::vector<Route> routes = {
      {"GET", "/healthz", get_healthz, true},
      {"HEAD", "/healthz", get_healthz, true},
      {"GET", "/readyz", get_readyz, true},
      {"HEAD", "/readyz", get_readyz, true},
      {"GET", "/openapi.yaml", get_openapi},
      {"HEAD", "/openapi.yaml", get_openapi},

      {"POST", "/v1/files", post_file},
      {"GET", "/v1/files/{id}", get_file},
      {"HEAD", "/v1/files/{id}", get_file},
      {"DELETE", "/v1/files/{id}", delete_file},
      {"GET", "/v1/files/{id}/header", get_header},
      {"HEAD", "/v1/files/{id}/header", get_header},
      {"GET", "/v1/files/{id}/payload", get_payload},
      {"HEAD", "/v1/files/{id}/payload", get_payload},
      {"POST", "/v1/deliveries", post_delivery},
      {"GET", "/v1/deliveries/{id}", get_delivery},
      {"DELETE", "/v1/deliveries/{id}", delete_delivery},
      {"PUT", "/v1/deliveries/{id}/cover", put_cover},
      {"POST", "/v1/deliveries/{id}/files", post_delivery_file},
      {"GET", "/v1/deliveries/{id}/files", get_files},
      {"POST", "/v1/deliveries/{id}/indexes", post_index},
      {"GET", "/v1/deliveries/{id}/index", get_indexes},
      {"POST", "/v1/deliveries/{id}/close", post_close},
      {"GET", "/v1/deliveries/{id}/headers", get_headers},
      {"PUT", "/v1/deliveries/{id}/recipients", put_recipients},
      {"POST", "/v1/deliveries/{id}/confirmations", post_confirmation},
      {"PUT", "/v1/deliveries/{id}/receipt", put_receipt},
      {"GET", "/v1/deliveries/{id}/receipts", get_receipts},
      {"GET", "/v1/inbox", get_inbox},
      {"GET", "/v1/sent", get_sent},
      {"GET", "/v1/events", get_events},

      {"OPTIONS", "/v1/uploads", options_uploads},
      {"POST", "/v1/uploads", post_upload},
      {"HEAD", "/v1/uploads/{id}", head_upload},
      {"PATCH", "/v1/uploads/{id}", patch_upload},
      {"DELETE", "/v1/uploads/{id}", delete_upload},

      {"POST", "/to/{mailbox}/dicom-web/studies", post_studies},
      {"POST", "/to/{mailbox}/dicom-web/studies/{study}", post_study},
      {"GET", "/to/{mailbox}/dicom-web/studies", get_studies},
      {"POST", "/to/{mailbox}/dicom-web/commitment-requests/{transaction}", refuse_commitment},
      {"GET", "/to/{mailbox}/dicom-web/commitment-requests/{transaction}", refuse_commitment},
      {"GET", "/to/{mailbox}/dicom-web/{resource...}", refuse_retrieve},

      {"GET", "/v1/self", get_self},
      {"POST", "/v1/devices", post_device},
      {"GET", "/v1/devices", get_devices},
      {"POST", "/v1/devices/{id}/records", post_device_record},
      {"DELETE", "/v1/devices/{id}", delete_device},

      {"POST", "/v1/invitations", post_invitation},
      {"GET", "/v1/invitations", get_invitations},
      {"DELETE", "/v1/invitations/{id}", delete_invitation},
      {"GET", "/v1/principals", get_principals},
      {"POST", "/v1/principals", post_principal},
      {"DELETE", "/v1/principals/{id}", delete_principal},
      {"GET", "/v1/mailboxes", get_mailboxes},
      {"GET", "/v1/mailboxes/{mailbox}", get_mailbox},
      {"PUT", "/v1/mailboxes/{mailbox}", put_mailbox},
      {"DELETE", "/v1/mailboxes/{mailbox}", delete_mailbox},
  };
  return routes;
}

bool has_right(Role role, const Route& route) {
  return route.right != nullptr && has(role, *route.right);
}

bool is_named(const std::string& segment) {
  return segment.starts_with('{');
}

bool matches(const Route& route, std::span<const std::string> segments) {
  if (route.segments.back().ends_with("...}") && segments.size() > route.segments.size()) {
    segments = segments.first(route.segments.size());
  }
  return std::ranges::equal(route.segments, segments, [](const auto& expected, const auto& sent) {
    return is_named(expected) || expected == sent;
  });
}

void name_segments(Call& call, const Route& route) {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const std::string& segment = route.segments[i];
    if (!is_named(segment)) continue;
    call.named_segments.emplace(segment.substr(1, segment.size() - 2), call.target.segments()[i]);
  }
}

// Null if there is none.
const Route* find_route(const Call& call) {
  const auto found = std::ranges::find_if(table(), [&](const Route& route) {
    return call.request.method() == route.method && matches(route, call.target.segments());
  });
  return found == table().end() ? nullptr : &*found;
}

// The methods of the resource that the caller has a right to: as Allow lists them.
std::string allowed_methods(const Call& call) {
  std::string allow;
  for (const Route& route : table()) {
    if (!matches(route, call.target.segments()) || !has_right(call.caller.role, route)) continue;
    // One may lead to several handlers, by how exact their paths are.
    if (allow.find(route.method) != std::string::npos) continue;
    allow.append(allow.empty() ? "" : ", ").append(route.method);
  }
  return allow;
}

void dispatch(Call& call) {
  call.target = Target(call.request.relative_uri().path(), call.request.relative_uri().query());
  const Route* const route = find_route(call);
  const bool for_anybody = route != nullptr && has_right(Role::kAnybody, *route);
  // Of what a stranger may not know of, the log doesn't say either that he asked for it.
  if (for_anybody) call.route = route->path;
  if (!(route != nullptr && route->while_draining) &&
      call.services.readiness.turns_away(transport::arrival_of(call.request))) {
    throw Error(ErrorCode::kUnavailable, "stopping");
  }
  call.services.authentication.admit(transport::peer_of(call.request));
  if (!for_anybody) {
    call.caller = call.services.authentication.authenticate(presented_by(call.request));
  }
  if (route == nullptr) {
    call.allow = allowed_methods(call);
    if (call.allow.empty()) throw Error(ErrorCode::kNotFound, "no such resource");
    throw Error(ErrorCode::kWrongMethod, "no such method on this resource");
  }
  call.route = route->path;
  call.right = route->right;
  // Nothing to be found where there is no right: whether there is something is then a secret, too.
  if (!has_right(call.caller.role, *route)) call.permit(false);
  name_segments(call, *route);
  route->handler(call);
}

// A caller who is known and asks for what isn't his, or sends another body than he signed for, is
// written down. The store may be away; then that is what there is to say.
ErrorCode judged(const Call& call, ErrorCode code) {
  const bool other_body = code == ErrorCode::kUnauthenticated && call.caller.role != Role::kAnybody;
  const bool denied = call.permitted == false;
  if (!denied && !other_body) return code;
  try {
    return call.services.authentication
        .refused(code, denied ? "not allowed" : "another body", call.caller,
                 transport::peer_of(call.request))
        .code();
  } catch (const Error& error) {
    return error.code();
  }
}

void answer_problem(Call& call, ErrorCode code, const std::string& request_id) {
  // The head of an answer is out already: the transport has cut the connection, which says enough.
  if (call.status != 0) return;
  const Problem problem = problem_of(code);
  http_response response(problem.status);
  const auto reason = stow::reason_of_status(problem.status);
  if (call.dicom_form && reason) {
    response.set_body(stow::to_text({{}, {}, {*reason}}, *call.dicom_form),
                      std::string(stow::media_type_of(*call.dicom_form)));
  } else {
    response.set_body(to_json(problem), kProblemMediaType);
  }
  response.headers().add("Letterbox-Request-Id", request_id);
  if (code == ErrorCode::kWrongMethod) response.headers().add("Allow", call.allow);
  if (code == ErrorCode::kUnavailable) response.headers().add("Retry-After", "5");
  if (code == ErrorCode::kTooManyRequests) response.headers().add("Retry-After", "10");
  if (problem.status == web::http::status_codes::Unauthorized) {
    // RFC 9110 section 11.6.1 wants a challenge; RFC 9421 section 5.1 says what to sign.
    response.headers().add("WWW-Authenticate", "Signature realm=\"letterbox\"");
    response.headers().add("Accept-Signature",
                           "sig=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\");"
                           "created;expires;nonce;keyid;tag=\"letterbox\"");
  }
  call.answer_unasked(std::move(response));
}

}  // namespace

std::vector<RouteName> route_names() {
  std::vector<RouteName> names;
  for (const Route& route : table()) names.push_back({route.method, route.path});
  return names;
}

void Routes::handle(const http_request& request) const noexcept try {
  const std::string request_id = Uuid::v7().text();
  Call call{request, services_};
  try {
    dispatch(call);
  } catch (const Error& error) {
    if (problem_of(error.code()).status >= 500) {
      log::error("request failed", error, {{"request", request_id}, {"route", call.route}});
    }
    answer_problem(call, judged(call, error.code()), request_id);
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
