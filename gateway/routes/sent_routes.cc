// What became of what was sent, and taking it back.
#include "base/error.h"
#include "gateway/openings.h"
#include "gateway/routes/audience.h"
#include "gateway/routes/handlers.h"
#include "gateway/routes/sent_json.h"
#include "gateway/take_back.h"

namespace letterbox::gateway {

namespace {

using web::http::status_codes;

constexpr std::size_t kMaxSentPage = 100;

// Whatever became of it: a sender may ask for longer than anybody else.
storage::SentDelivery require_sent(Call& call) {
  auto delivery = call.services.shelf.receipts().find(call.caller.tenant, call.path_id());
  if (!delivery) throw Error(ErrorCode::kNotFound, "no such delivery");
  call.permit(sends(call.caller, delivery->sender));
  return *std::move(delivery);
}

}  // namespace

void get_sent(Call& call) {
  call.target.allow_only({"after", "limit"});
  call.answer_json(status_codes::OK,
                   sent_json(call.services.shelf.receipts().sent(
                       call.caller.tenant, call.caller.principal.value(),
                       call.id_parameter("after"), call.limit_parameter(kMaxSentPage))));
}

void get_receipts(Call& call) {
  call.target.allow_only({});
  call.answer_json(status_codes::OK, sent_json(require_sent(call)));
}

void put_receipt(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  require_closed(require_audience(call, id, receives));
  put_receipt_of_opening(call.services.shelf, call.caller, id, call.envelope_body());
  call.answer_empty(status_codes::NoContent);
}

void delete_delivery(Call& call) {
  call.target.allow_only({});
  const storage::SentDelivery delivery = require_sent(call);
  web::http::http_response response(status_codes::OK);
  response.set_body(take_back(call.services.shelf, call.services.signing_key, call.caller, delivery,
                              call.services.backup_retention),
                    "application/vnd.dsse.envelope.v1+json");
  call.answer(std::move(response));
}

}  // namespace letterbox::gateway
