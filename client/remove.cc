#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/found_delivery.h"

namespace letterbox::client {

void remove(const Session& session, const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery or a file (a UUIDv7)");
  Caller us(session);
  us.check_active();
  const FoundDelivery found = find_delivery(us.gateway(), *id);
  const VerifiedDelivery delivery = verify_delivery(found.delivery, us.trusted_keys());
  std::vector<Uuid> files;
  for (const auto& entry : delivery.manifest.files)
    if (!found.file || entry.id == *found.file) files.push_back(entry.id);

  nlohmann::json removed = nlohmann::json::array();
  for (const Uuid& file : files) {
    try {
      us.gateway().remove("/v1/files/" + file.text());
    } catch (const Error& error) {
      // Of a delivery, some may have gone before.
      if (error.code() != ErrorCode::kNotFound || files.size() == 1) throw;
      continue;
    }
    removed.push_back(file.text());
    if (!session.json) std::cout << "deleted " << file.text() << '\n';
  }
  if (removed.empty())
    throw Error(ErrorCode::kNotFound, "the gateway has nothing of that left which you sent");
  if (session.json) std::cout << nlohmann::json{{"deleted", std::move(removed)}} << '\n';
}

}  // namespace letterbox::client
