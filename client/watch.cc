#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/event_reader.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

constexpr std::chrono::seconds kPause{3};

void print(const Event& event, bool as_json) {
  if (as_json) {
    nlohmann::ordered_json json = {{"id", event.id.text()},
                                   {"kind", event.kind},
                                   {"time", records::to_text(event.time)},
                                   {"delivery", event.delivery.text()}};
    if (event.recipient) json["recipient"] = *event.recipient;
    std::cout << json;
  } else {
    std::cout << records::to_text(event.time) << "  " << event.kind << "  "
              << event.delivery.text();
    if (event.recipient) std::cout << "  " << printable(*event.recipient);
  }
  std::cout << std::endl;
}

// Whether it may be otherwise in a moment.
bool may_pass(ErrorCode code) {
  return code == ErrorCode::kNetwork || code == ErrorCode::kUnavailable ||
         code == ErrorCode::kTruncatedBody;
}

}  // namespace

void watch(const Session& session, const std::optional<std::string>& after) {
  std::optional<Uuid> last;
  if (after) {
    last = Uuid::parse(*after);
    if (!last) throw Error(ErrorCode::kUsage, *after + ": isn't an event's id");
  }
  Caller us(session);
  us.check_active();
  bool connected = false;
  while (true) {
    try {
      const auto stream =
          us.gateway().download("/v1/events" + (last ? "?after=" + last->text() : std::string()));
      if (connected) notice("watching again", session.json);
      connected = true;
      EventReader events(*stream);
      while (const auto event = events.next()) {
        print(*event, session.json);
        last = event->id;
      }
    } catch (const Error& error) {
      if (!connected || !may_pass(error.code())) throw;
    }
    notice("the gateway has ended the stream; trying again", session.json);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace letterbox::client
