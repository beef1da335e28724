#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/found_delivery.h"
#include "client/revoke.h"

namespace letterbox::client {

void remove(const Session& session, const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery or a file (a UUIDv7)");
  Caller us(session);
  us.check_active();
  const FoundDelivery found = find_delivery(us.gateway(), *id);
  if (!found.file) return revoke(us, found.delivery.id);
  us.gateway().remove("/v1/files/" + id->text());
  if (session.json)
    std::cout << nlohmann::json{{"deleted", id->text()}} << '\n';
  else
    std::cout << "deleted " << id->text() << '\n';
}

}  // namespace letterbox::client
