#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "client/answers.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/held.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

json to_json(const VerifiedDelivery& delivery) {
  const records::Cover& cover = delivery.cover.cover();
  json files = json::array();
  for (const records::ManifestEntry& file : delivery.manifest.files)
    files.push_back(
        {{"file", file.id.text()}, {"length", file.length}, {"size", plaintext_size(file)}});
  return {{"delivery", cover.delivery.text()},
          {"sender", cover.sender.text()},
          {"sealed_by", records::to_text(cover.sealed_by)},
          {"sealer_revoked", delivery.cover.maker_is_revoked()},
          {"created", records::to_text(cover.created)},
          {"expires", records::to_text(cover.expires)},
          {"files", std::move(files)}};
}

void print(const VerifiedDelivery& delivery) {
  const records::Cover& cover = delivery.cover.cover();
  std::cout << cover.delivery.text() << "  from " << cover.sender.text() << ", sealed by "
            << sealer_of(delivery.cover) << "\n  created " << records::to_text(cover.created)
            << ", expires " << records::to_text(cover.expires) << '\n';
  for (const records::ManifestEntry& file : delivery.manifest.files)
    std::cout << "  " << file.id.text() << "  " << human_size(plaintext_size(file)) << '\n';
}

}  // namespace

ExitCode list(const Session& session) {
  Caller us(session);
  us.check_active();
  tell_of_held_letters(us);
  const std::array ours = {us.device().recipient};
  const std::string first_page = "/v1/inbox";

  json shown = json::array();
  json refused = json::array();
  std::set<Uuid> pages;
  for (std::string target = first_page; !target.empty();) {
    const InboxAnswer page = parse_inbox_answer(us.gateway().get(target));
    for (const std::string& text : page.deliveries) {
      try {
        const VerifiedDelivery delivery = us.verify(parse_delivery_answer(text));
        check_listed(delivery.cover, ours);
        if (session.json)
          shown.push_back(to_json(delivery));
        else
          print(delivery);
      } catch (const Error& error) {
        const auto* refusal = dynamic_cast<const Refused*>(&error);
        const std::string check = refusal != nullptr ? refusal->check() : "answer format";
        const auto id = delivery_id_of(text);
        const std::string name = id ? id->text() : "a delivery without an id";
        refused.push_back({{"delivery", name}, {"check", check}, {"message", error.what()}});
        if (!session.json) std::cout << name << "  refused: " << check << '\n';
      }
    }
    // A page that leads back to an earlier one would keep us here forever.
    if (page.next && !pages.insert(*page.next).second)
      throw Error(ErrorCode::kMalformed, "the gateway's inbox goes round in a circle");
    target = page.next ? first_page + "?after=" + page.next->text() : "";
  }
  const bool complete = refused.empty();
  if (session.json)
    std::cout << json{{"deliveries", std::move(shown)}, {"refused", std::move(refused)}} << '\n';
  return complete ? ExitCode::kOk : ExitCode::kIntegrity;
}

}  // namespace letterbox::client
