#include "gateway/routes/audience.h"

#include <algorithm>
#include <vector>

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

HeadersVersion asked_version(const Call& call, const Uuid& id, const storage::Audience& audience) {
  const std::optional<std::uint64_t> asked = call.number_parameter("version");
  const bool is_former = asked && *asked != audience.version;
  if (is_former && (*asked == 0 || *asked > audience.version)) {
    throw Error(ErrorCode::kNotFound, "no such version");
  }
  std::vector<std::uint32_t> versions = {audience.version};
  if (is_former) versions.push_back(static_cast<std::uint32_t>(*asked));
  auto part = call.services.shelf.deliveries().part(call.caller.tenant, id, versions);
  if (!part) throw Error(ErrorCode::kNotFound, "the delivery went away meanwhile");
  std::vector<records::Cover> covers;
  for (const std::string& cover : part->covers) covers.push_back(read_cover(cover));
  const crypto::X25519Recipient& device = call.caller.device->record.recipient;
  if (is_former && std::any_of(covers.begin(), covers.end(),
                               [&](const records::Cover& cover) { return !cover.lists(device); })) {
    throw Error(ErrorCode::kNotFound, "no such version for this device");
  }
  return {versions.back(), is_former, covers.back().recipients.size(), part->files, part->indexes};
}

}  // namespace letterbox::gateway
