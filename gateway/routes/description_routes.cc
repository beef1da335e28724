// For whoever writes a client.
#include "gateway/routes/handlers.h"
#include "gateway/routes/openapi.h"

namespace letterbox::gateway {

using web::http::http_response;
using web::http::status_codes;

// Nothing in it is of this gateway or of anybody, so anybody may read it.
void get_openapi(Call& call) {
  call.target.allow_only({});
  http_response response(status_codes::OK);
  response.set_body(openapi_yaml(), "application/yaml");  // RFC 9512
  call.answer(std::move(response));
}

}  // namespace letterbox::gateway
