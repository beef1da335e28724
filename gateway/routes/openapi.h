// The description of the HTTP interface that travels inside the program: docs/api/openapi.yaml.
#pragma once

namespace letterbox::gateway {

/// OpenAPI 3.1 in YAML, UTF-8.
const char* openapi_yaml() noexcept;

}  // namespace letterbox::gateway
