// Who a delivery is for, read and changed.
#include "base/error.h"
#include "gateway/conditions.h"
#include "gateway/delivery_headers.h"
#include "gateway/routes/api_json.h"
#include "gateway/routes/audience.h"
#include "gateway/routes/handlers.h"
#include "gateway/sharing.h"
#include "records/delivery_headers.h"

namespace letterbox::gateway {

using web::http::http_response;
using web::http::status_codes;

void get_headers(Call& call) {
  call.target.allow_only({"version"});
  const Uuid id = call.path_id();
  const storage::Audience audience = require_audience(call, id, sends_or_receives);
  require_closed(audience);
  const std::optional<DeliveryHeaders> headers = collect_headers(
      call.services.shelf, call.caller.tenant, id, asked_version(call, id, audience));
  if (!headers) throw Error(ErrorCode::kNotFound, "no such version any more");
  http_response response(status_codes::OK);
  response.headers().set_content_type(std::string(records::kHeadersMediaType));
  response.headers().add("ETag", version_tag(headers->version));
  call.answer(std::move(response), *headers->content, headers->length);
}

void put_recipients(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  require_closed(require_audience(call, id, sends_or_receives));
  call.require_content_type(records::kRecipientsChangeMediaType);
  const std::optional<std::string> if_match = call.field("If-Match");
  if (!if_match) {
    throw Error(ErrorCode::kPreconditionRequired, "a change that doesn't say what it changes");
  }
  change_recipients(call.services.shelf, call.services.gateway_key(), call.caller, id, *if_match,
                    call.body_to_store());
  call.answer_json(status_codes::OK, delivery_json(require_delivery(call, id)));
}

void post_confirmation(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  require_closed(require_audience(call, id, receives));
  confirm_version(call.services.shelf, call.caller, id, parse_confirmation(call.json_body()));
  call.answer_empty(status_codes::NoContent);
}

}  // namespace letterbox::gateway
