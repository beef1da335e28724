#pragma once

#include <optional>

#include "base/uuid.h"
#include "client/gateway_connection.h"
#include "client/verified_delivery.h"

namespace letterbox::client {

/// What an id names: a delivery, and the one file of it or all.
struct FoundDelivery {
  UnverifiedDelivery delivery;
  std::optional<Uuid> file;
};

/// Throws Error kNotFound if the gateway has neither a delivery nor a file of that id for us,
/// Refused if it answers with another one.
FoundDelivery find_delivery(GatewayConnection& gateway, const Uuid& id);

}  // namespace letterbox::client
