// Lists of deliveries, page by page: what came for this device, and what its user sent.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/caller.h"

namespace letterbox::client {

inline constexpr const char* kInbox = "/v1/inbox";
inline constexpr const char* kSent = "/v1/sent";

/// Has `take` see each delivery of a list as the gateway answers it: JSON, nothing of it verified.
/// Throws what the connection and `take` throw, and Error kMalformed.
void read_list(Caller& us, const std::string& list,
               const std::function<void(const std::string& answer)>& take);

/// A delivery that isn't what it should be, among others that are.
struct RefusedDelivery {
  std::string delivery;
  std::string check;
  std::string message;
};

RefusedDelivery refused(const std::string& answer, const Error& error);
nlohmann::json to_json(const std::vector<RefusedDelivery>& refused);

}  // namespace letterbox::client
