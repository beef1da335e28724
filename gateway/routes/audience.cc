#include "gateway/routes/audience.h"

#include "base/error.h"

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

}  // namespace letterbox::gateway
