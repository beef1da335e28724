#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/held.h"
#include "client/inbox.h"
#include "client/letter_view.h"
#include "client/listed_file.h"
#include "client/studies.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

struct Letters {
  std::vector<ListedDelivery> deliveries;
  std::vector<RefusedDelivery> refused;
};

ListedDelivery listed(Caller& us, const VerifiedDelivery& delivery) {
  const records::Cover& cover = delivery.cover().cover();
  DeliveryAccess access(us, delivery);
  return {cover.delivery,
          cover.sender,
          cover.sealed_by,
          listed_files(access),
          sealer_of(delivery.chain),
          delivery.chain.first().maker_is_revoked(),
          delivery.chain.first().cover().created,
          cover.expires,
          cover.version,
          sharers_of(delivery.chain)};
}

Letters read_letters(Caller& us) {
  const std::array ours = {us.device().recipient};
  Letters letters;
  read_list(us, kInbox, [&](const std::string& text) {
    try {
      const VerifiedDelivery delivery = us.verify(parse_delivery_answer(text));
      check_listed(delivery.chain, ours);
      letters.deliveries.push_back(listed(us, delivery));
    } catch (const Error& error) {
      if (exit_code(error.code()) == ExitCode::kNetwork) throw;
      letters.refused.push_back(refused(text, error));
    }
  });
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
  std::cout << json{{"deliveries", std::move(deliveries)},
                    {"studies", std::move(studies)},
                    {"refused", to_json(letters.refused)}}
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
  Letters letters = read_letters(us);
  // Before the search: what was corrected stays so, whether or not the correction is found.
  mark_superseded(letters.deliveries);
  if (text) search(letters.deliveries, *text);
  session.json ? report_json(letters) : report(letters);
  return letters.refused.empty() ? ExitCode::kOk : ExitCode::kIntegrity;
}

}  // namespace letterbox::client
