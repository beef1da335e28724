// The HTTP interface: which request does what (docs/api/README.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "crypto/signing.h"
#include "dicom/inspector.h"
#include "gateway/allowance.h"
#include "gateway/disk.h"
#include "gateway/identity/authentication.h"
#include "gateway/metrics.h"
#include "gateway/readiness.h"
#include "storage/store.h"

namespace web::http {
class http_request;
}

namespace letterbox::gateway {

class EventStreams;

namespace stow {
class Closer;
}

/// What the handlers stand on. All of it outlives the Routes.
struct Services {
  storage::Store& shelf;
  dicom::Inspector& inspector;
  /// Signs covers and manifests of what the gateway seals, and revocations for administrators.
  const crypto::SigningKey& signing_key;
  Authentication& authentication;
  Readiness& readiness;
  const Disk& disk;
  Metrics& metrics;
  stow::Closer& closer;
  EventStreams& events;
  const Secret<32>& uid_key;   ///< stow/uid_macs.h
  std::size_t stow_parts;      ///< most parts of a STOW request
  const Allowance& allowance;  ///< of tenants that have no limits of their own
  /// How long the last backup lives after what it holds; absent: nobody said.
  std::optional<std::chrono::days> backup_retention;
  std::uint64_t largest_upload;  ///< bytes of an age file

  const crypto::VerifyKey& gateway_key() const { return signing_key.verify_key(); }
};

/// A route as others see it: "POST", "/v1/deliveries/{id}/close".
struct RouteName {
  std::string_view method;
  std::string_view path;
};
/// All that there are: each must have its row in the table of rights (identity/authority.h).
std::vector<RouteName> route_names();

class Routes {
 public:
  explicit Routes(const Services& services) : services_(services) {}

  /// Answers one request, whatever happens: an Error becomes its problem document, and one line
  /// goes to the log. Who calls is settled before anything else; without a right to the route there
  /// is nothing to be found. While the gateway drains, all but health checks are told to come back
  /// later. Blocks until the answer is sent. Thread-safe; never throws.
  void handle(const web::http::http_request& request) const noexcept;

 private:
  Services services_;
};

}  // namespace letterbox::gateway
