#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "client/answers.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/held.h"
#include "client/letter_view.h"
#include "client/listed_file.h"
#include "client/studies.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

// A delivery that isn't what it should be.
struct RefusedDelivery {
  std::string delivery;
  std::string check;
  std::string message;
};

struct Letters {
  std::vector<ListedDelivery> deliveries;
  std::vector<RefusedDelivery> refused;
};

ListedDelivery listed(Caller& us, const VerifiedDelivery& delivery) {
  const records::Cover& cover = delivery.cover.cover();
  return {cover.delivery,
          cover.sender,
          cover.sealed_by,
          listed_files(us, delivery),
          sealer_of(delivery.cover),
          delivery.cover.maker_is_revoked(),
          cover.created,
          cover.expires};
}

RefusedDelivery refused(const std::string& answer, const Error& error) {
  const auto* refusal = dynamic_cast<const Refused*>(&error);
  const auto id = delivery_id_of(answer);
  return {id ? id->text() : "a delivery without an id",
          refusal != nullptr ? refusal->check() : "answer format", error.what()};
}

Letters read_inbox(Caller& us) {
  const std::array ours = {us.device().recipient};
  const std::string first_page = "/v1/inbox";
  Letters letters;
  std::set<Uuid> pages;
  for (std::string target = first_page; !target.empty();) {
    const InboxAnswer page = parse_inbox_answer(us.gateway().get(target));
    for (const std::string& text : page.deliveries) {
      try {
        const VerifiedDelivery delivery = us.verify(parse_delivery_answer(text));
        check_listed(delivery.cover, ours);
        letters.deliveries.push_back(listed(us, delivery));
      } catch (const Error& error) {
        if (exit_code(error.code()) == ExitCode::kNetwork) throw;
        letters.refused.push_back(refused(text, error));
      }
    }
    // A page that leads back to an earlier one would keep us here forever.
    if (page.next && !pages.insert(*page.next).second)
      throw Error(ErrorCode::kMalformed, "the gateway's inbox goes round in a circle");
    target = page.next ? first_page + "?after=" + page.next->text() : "";
  }
  return letters;
}

// Leaves what mentions `text`.
void search(std::vector<ListedDelivery>& deliveries, std::string_view text) {
  for (ListedDelivery& delivery : deliveries)
    std::erase_if(delivery.files, [&](const ListedFile& file) { return !mentions(file, text); });
  std::erase_if(deliveries, [](const ListedDelivery& delivery) { return delivery.files.empty(); });
}

void report_json(const Letters& letters) {
  json deliveries = json::array();
  for (const ListedDelivery& delivery : letters.deliveries) deliveries.push_back(to_json(delivery));
  json studies = json::array();
  for (const Study& study : studies_of(letters.deliveries)) studies.push_back(to_json(study));
  json refused = json::array();
  for (const RefusedDelivery& one : letters.refused)
    refused.push_back({{"delivery", one.delivery}, {"check", one.check}, {"message", one.message}});
  std::cout << json{{"deliveries", std::move(deliveries)},
                    {"studies", std::move(studies)},
                    {"refused", std::move(refused)}}
            << '\n';
}

void report(const Letters& letters) {
  std::map<Uuid, const ListedDelivery*> by_id;
  for (const ListedDelivery& delivery : letters.deliveries)
    by_id.emplace(delivery.delivery, &delivery);
  for (const Study& study : studies_of(letters.deliveries)) print(study, by_id);
  for (const ListedDelivery& delivery : letters.deliveries) print_other_files(delivery);
  for (const RefusedDelivery& one : letters.refused)
    std::cout << one.delivery << "  refused: " << one.check << '\n';
}

}  // namespace

ExitCode list(const Session& session, const std::optional<std::string>& text) {
  Caller us(session);
  us.check_active();
  tell_of_held_letters(us);
  Letters letters = read_inbox(us);
  // Before the search: what was corrected stays so, whether or not the correction is found.
  mark_superseded(letters.deliveries);
  if (text) search(letters.deliveries, *text);
  session.json ? report_json(letters) : report(letters);
  return letters.refused.empty() ? ExitCode::kOk : ExitCode::kIntegrity;
}

}  // namespace letterbox::client
