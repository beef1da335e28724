#include "gateway/routes/audience.h"

#include "base/error.h"
#include "gateway/covers.h"

namespace letterbox::gateway {

storage::Audience require_audience(Call& call, const Uuid& delivery,
                                   bool (*question)(const Caller&, const storage::Audience&)) {
  const auto audience = call.services.shelf.deliveries().audience(call.caller.tenant, delivery);
  if (!audience) throw Error(ErrorCode::kNotFound, "no such delivery");
  call.permit(question(call.caller, *audience));
  return *audience;
}

void require_closed(const storage::Audience& audience) {
  if (audience.state != storage::DeliveryState::kClosed) {
    throw Error(ErrorCode::kNotFound, "the delivery isn't closed");
  }
}

storage::Delivery require_delivery(const Call& call, const Uuid& id) {
  auto delivery = call.services.shelf.deliveries().find(call.caller.tenant, id);
  if (!delivery) throw Error(ErrorCode::kNotFound, "the delivery went away meanwhile");
  return *std::move(delivery);
}

std::optional<std::uint32_t> former_version(const Call& call, const storage::Delivery& delivery) {
  const std::optional<std::uint64_t> asked = call.number_parameter("version");
  if (!asked || *asked == delivery.covers.size()) return std::nullopt;
  const crypto::X25519Recipient& device = call.caller.device->record.recipient;
  if (*asked == 0 || *asked > delivery.covers.size() ||
      !read_cover(delivery.covers[*asked - 1]).lists(device) ||
      !read_cover(delivery.covers.back()).lists(device)) {
    throw Error(ErrorCode::kNotFound, "no such version for this device");
  }
  return static_cast<std::uint32_t>(*asked);
}

}  // namespace letterbox::gateway
