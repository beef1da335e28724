// For whoever runs the gateway.
#include "gateway/routes/handlers.h"

namespace letterbox::gateway {

using web::http::status_codes;

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

}  // namespace letterbox::gateway
