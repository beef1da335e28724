#include <algorithm>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/exit_code.h"
#include "client/finish_send.h"
#include "client/retry.h"
#include "client/send_report.h"
#include "client/terminal.h"
#include "client/unfinished_send.h"

namespace letterbox::client {
namespace {

// What isn't sealed to its end can't be: its file key is gone with the process that drew it.
void throw_away_what_was_cut(const Session& session) {
  for (const auto& folder : UnfinishedSend::all(session.home))
    if (UnfinishedSend::remove_if_cut(folder))
      notice(
          "a send was cut off before its files were sealed; nothing of it was sent, and what was "
          "sealed is thrown away: send them anew",
          session.json);
}

struct Actions {
  void (*with)(Caller& us, const UnfinishedSend& send);
  /// With a folder that can't be read; in a handler.
  void (*with_unreadable)(const std::filesystem::path& folder);
};

// Nothing if somebody else has it.
std::optional<UnfinishedSend> opened(const Caller& us, const std::filesystem::path& folder,
                                     const Actions& actions) {
  try {
    auto send = UnfinishedSend::open(folder, us.device().signing_key);
    if (!send)
      notice("the delivery " + folder.filename().string() + " is being sent just now",
             us.session().json);
    return send;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) throw;
    actions.with_unreadable(folder);
    return std::nullopt;
  }
}

// Each in turn. One that is over doesn't keep the others back: what was wrong is told, and the
// first of it thrown at the end. A gateway that is away is away for all.
void for_each_unfinished(const Session& session, const Actions& actions) {
  const auto folders = UnfinishedSend::all(session.home);
  if (folders.empty()) {
    if (!session.json) std::cout << "there is no unfinished send\n";
    return;
  }
  Caller us(session);
  us.check_active();
  std::exception_ptr first_error;
  for (const auto& folder : folders) {
    try {
      if (const auto send = opened(us, folder, actions)) actions.with(us, *send);
    } catch (const Error& error) {
      if (exit_code(error.code()) == ExitCode::kNetwork) throw;
      if (first_error) notice(error.what(), session.json);
      if (!first_error) first_error = std::current_exception();
    }
  }
  if (first_error) std::rethrow_exception(first_error);
}

void go_on_and_report(Caller& us, const UnfinishedSend& send) {
  go_on(us, send);
  report(us.session(), send);
}

void discard_and_report(Caller& us, const UnfinishedSend& send) {
  const std::string delivery = send.delivery().text();
  const bool as_json = us.session().json;
  if (!discard(us, send))
    return notice("the delivery " + delivery + " was sent whole; letterbox revoke takes it back",
                  as_json);
  if (as_json)
    std::cout << nlohmann::json{{"discarded", delivery}} << '\n';
  else
    std::cout << "discarded " << delivery << '\n';
}

}  // namespace

void resume_sends(const Session& session) {
  throw_away_what_was_cut(session);
  for_each_unfinished(session, {go_on_and_report, [](const std::filesystem::path&) { throw; }});
}

void discard_sends(const Session& session) {
  throw_away_what_was_cut(session);
  try {
    for_each_unfinished(session, {discard_and_report, UnfinishedSend::throw_away});
  } catch (const Error& error) {
    if (!is_passing(error.code()) && error.code() != ErrorCode::kUnauthenticated) throw;
    for (const auto& folder : UnfinishedSend::all(session.home)) UnfinishedSend::throw_away(folder);
    notice(std::string(error.what()) +
               "; what lay here is thrown away, and what the gateway has of it, seen by nobody, "
               "expires",
           session.json);
  }
}

void tell_of_unfinished_sends(const Session& session) {
  throw_away_what_was_cut(session);
  const auto folders = UnfinishedSend::all(session.home);
  const auto unfinished = std::ranges::count_if(folders, UnfinishedSend::is_left_behind);
  if (unfinished > 0)
    notice((unfinished == 1 ? std::string("a send isn't finished")
                            : std::to_string(unfinished) + " sends aren't finished") +
               "; letterbox send --resume goes on, letterbox send --discard drops it",
           session.json);
}

}  // namespace letterbox::client
