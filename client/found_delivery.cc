#include "client/found_delivery.h"

#include "base/error.h"
#include "client/answers.h"

namespace letterbox::client {

FoundDelivery find_delivery(GatewayConnection& gateway, const Uuid& id) {
  const auto delivery = [&](const Uuid& delivery_id) {
    UnverifiedDelivery answer =
        parse_delivery_answer(gateway.get("/v1/deliveries/" + delivery_id.text()));
    if (answer.id != delivery_id)
      throw Refused(checks::kCoverDelivery, ErrorCode::kCoverMismatch,
                    "the gateway answers with another delivery");
    return answer;
  };
  try {
    return {delivery(id), std::nullopt};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
  }
  // No delivery of that id; a file tells which one it belongs to.
  try {
    const auto of_file = delivery_of_link(gateway.head("/v1/files/" + id.text()).field("link"));
    if (!of_file)
      throw Error(ErrorCode::kMalformed, "the gateway doesn't say which delivery a file is in");
    return {delivery(*of_file), id};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    throw Error(ErrorCode::kNotFound, "the gateway has no delivery and no file " + id.text() +
                                          " for you, or not any more: they expire");
  }
}

}  // namespace letterbox::client
