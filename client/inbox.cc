#include "client/inbox.h"

#include <nlohmann/json.hpp>
#include <set>

#include "client/answers.h"
#include "client/refused.h"

namespace letterbox::client {

void read_list(Caller& us, const std::string& list,
               const std::function<void(const std::string& answer)>& take) {
  std::set<Uuid> pages;
  for (std::string target = list; !target.empty();) {
    const InboxAnswer page = parse_inbox_answer(us.gateway().get(target));
    for (const std::string& answer : page.deliveries) take(answer);
    // A page that leads back to an earlier one would keep us here forever.
    if (page.next && !pages.insert(*page.next).second)
      throw Error(ErrorCode::kMalformed, "the gateway's list goes round in a circle");
    target = page.next ? list + "?after=" + page.next->text() : "";
  }
}

RefusedDelivery refused(const std::string& answer, const Error& error) {
  const auto* refusal = dynamic_cast<const Refused*>(&error);
  const auto id = delivery_id_of(answer);
  return {id ? id->text() : "a delivery without an id",
          refusal != nullptr ? refusal->check() : "answer format", error.what()};
}

nlohmann::json to_json(const std::vector<RefusedDelivery>& refused) {
  nlohmann::json array = nlohmann::json::array();
  for (const RefusedDelivery& one : refused)
    array.push_back({{"delivery", one.delivery}, {"check", one.check}, {"message", one.message}});
  return array;
}

}  // namespace letterbox::client
