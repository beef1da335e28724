#include "client/send_report.h"

#include <iostream>

#include "client/terminal.h"

namespace letterbox::client {

using nlohmann::json;

json to_json(const records::ManifestEntry& entry) {
  return {{"file", entry.id.text()}, {"length", entry.length}};
}

json to_json(const records::Cover& cover, json files) {
  json recipients = json::array();
  for (const auto& recipient : cover.recipients)
    recipients.push_back(
        {{"handle", recipient.handle.text()}, {"recipient", recipient.recipient.text()}});
  return {{"delivery", cover.delivery.text()},
          {"sealed_by", records::to_text(cover.sealed_by)},
          {"expires", records::to_text(cover.expires)},
          {"recipients", std::move(recipients)},
          {"files", std::move(files)}};
}

void report(const Session& session, const UnfinishedSend& send) {
  if (send.held_for())
    notice("the letter is sealed for your own devices alone and held for " +
               send.held_for()->text() +
               "; when they have enrolled, compare their fingerprint with letterbox trust " +
               send.held_for()->text() + ", which sends it on",
           session.json);
  if (session.json) {
    json files = json::array();
    for (const OutgoingFile& one : send.files()) {
      json file = to_json(one.file.entry);
      file["type"] = one.type;
      file["checked"] = one.checked;
      file["dropped"] = one.dropped;
      files.push_back(std::move(file));
    }
    std::cout << to_json(send.cover().cover, std::move(files)) << '\n';
    return;
  }
  std::cout << "delivery " << send.delivery().text() << '\n';
  for (const OutgoingFile& one : send.files()) {
    std::cout << "file     " << one.id().text() << '\n';
    if (!one.checked) std::cout << "         attachment, not checked\n";
    if (!one.dropped.empty()) std::cout << "         without " << joined(one.dropped) << '\n';
  }
}

}  // namespace letterbox::client
