// What happens, told as it happens.
#include "base/error.h"
#include "gateway/notices/event_streams.h"
#include "gateway/routes/handlers.h"

namespace letterbox::gateway {

namespace {

// Where a stream goes on: by the query, which a signature covers, or as a browser's own client
// would say it. One that isn't an id is none of ours.
std::optional<Uuid> last_event(const Call& call) {
  if (const auto after = call.id_parameter("after")) return after;
  const auto field = call.field("last-event-id");
  if (!field) return std::nullopt;
  const auto id = Uuid::parse(*field);
  if (!id) throw Error(ErrorCode::kMalformed, "Last-Event-ID isn't an event's");
  return id;
}

}  // namespace

void get_events(Call& call) {
  call.target.allow_only({"after"});
  call.services.events.open(call.caller, last_event(call), [&] {
    web::http::http_response response(web::http::status_codes::OK);
    response.headers().set_content_type("text/event-stream");
    return call.answer_stream(std::move(response));
  });
}

}  // namespace letterbox::gateway
