#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/answers.h"
#include "client/commands.h"
#include "client/inbox.h"
#include "client/recipients_change.h"
#include "client/sealed_delivery.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

struct Synced {
  std::vector<Uuid> shared;
  std::size_t complete = 0;  ///< all devices could open these already
  std::vector<RefusedDelivery> refused;
};

void report(const Synced& synced, bool as_json) {
  if (as_json) {
    json shared = json::array();
    for (const Uuid& delivery : synced.shared) shared.push_back(delivery.text());
    std::cout << json{{"shared", std::move(shared)},
                      {"complete", synced.complete},
                      {"refused", to_json(synced.refused)}}
              << '\n';
    return;
  }
  for (const Uuid& delivery : synced.shared) std::cout << "shared " << delivery.text() << '\n';
  for (const RefusedDelivery& one : synced.refused)
    std::cout << one.delivery << "  refused: " << one.check << '\n';
  std::cout << synced.complete + synced.shared.size() << " deliveries open on all your devices, "
            << synced.shared.size() << " of them now\n";
}

}  // namespace

ExitCode device_sync(const Session& session) {
  Caller us(session);
  us.check_active();
  const std::vector<records::DeviceRecord> ours =
      sealable_devices(us, Addressees({us.device().handle.text()}));
  // All of them first: what changes recipients may change the inbox's pages.
  std::vector<std::string> answers;
  read_list(us, kInbox, [&](const std::string& answer) { answers.push_back(answer); });

  Synced synced;
  for (const std::string& answer : answers) {
    try {
      const Uuid id = parse_delivery_answer(answer).id;
      const auto next = change_recipients(us, id, [&](const VerifiedChain& chain) {
        return with_added(chain.last().cover().recipients, ours);
      });
      if (next)
        synced.shared.push_back(id);
      else
        ++synced.complete;
    } catch (const Error& error) {
      if (exit_code(error.code()) == ExitCode::kNetwork) throw;
      if (error.code() == ErrorCode::kNotFound) continue;  // it ended meanwhile
      synced.refused.push_back(refused(answer, error));
    }
  }
  report(synced, session.json);
  return synced.refused.empty() ? ExitCode::kOk : ExitCode::kIntegrity;
}

}  // namespace letterbox::client
