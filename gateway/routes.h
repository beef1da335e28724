// The HTTP interface: which request does what (docs/api/README.md).
#pragma once

#include <memory>
#include <string>

#include "crypto/signing.h"
#include "dicom/inspector.h"
#include "gateway/metrics.h"
#include "gateway/readiness.h"
#include "storage/store.h"

namespace web::http {
class http_request;
}

namespace letterbox::gateway {

/// What the handlers stand on. All of it outlives the Routes.
struct Services {
  storage::Store& shelf;
  dicom::Inspector& inspector;
  const crypto::SigningKey& signing_key;  ///< signs covers and manifests of what the gateway seals
  Readiness& readiness;
  Metrics& metrics;
};

class Routes {
 public:
  explicit Routes(const Services& services) : services_(services) {}

  /// Answers one request, whatever happens: an Error becomes its problem document, and one line
  /// goes to the log. While the gateway drains, all but health checks are told to come back later.
  /// Blocks until the answer is sent. Thread-safe; never throws.
  void handle(const web::http::http_request& request) const noexcept;

 private:
  Services services_;
};

}  // namespace letterbox::gateway
