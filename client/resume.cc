#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/caller.h"
#include "client/commands.h"
#include "client/finish_send.h"
#include "client/send_report.h"
#include "client/terminal.h"
#include "client/unfinished_send.h"

namespace letterbox::client {
namespace {

// Each that nobody holds, in turn. One that can't be read, or is over, doesn't keep the others
// back: what was wrong is told, and the first of it thrown at the end. A gateway that is away is
// away for all.
template <typename Action>
void for_each_unfinished(const Session& session, Action action) {
  std::exception_ptr first_error;
  std::optional<Caller> us;
  for (const auto& folder : UnfinishedSend::all(session.home)) {
    try {
      if (!us) us.emplace(session);
      us->check_active();
      const auto send = UnfinishedSend::open(folder, us->device().signing_key);
      if (send)
        action(*us, *send);
      else
        notice("the delivery " + folder.filename().string() + " is being sent just now",
               session.json);
    } catch (const Error& error) {
      if (exit_code(error.code()) == ExitCode::kNetwork) throw;
      if (first_error) notice(error.what(), session.json);
      if (!first_error) first_error = std::current_exception();
    }
  }
  if (first_error) std::rethrow_exception(first_error);
  if (!us && !session.json) std::cout << "there is no unfinished send\n";
}

}  // namespace

void resume_sends(const Session& session) {
  for_each_unfinished(session, [&](Caller& us, const UnfinishedSend& send) {
    go_on(us, send);
    report(session, send);
  });
}

void discard_sends(const Session& session) {
  for_each_unfinished(session, [&](Caller& us, const UnfinishedSend& send) {
    const std::string delivery = send.delivery().text();
    if (!discard(us, send))
      return notice("the delivery " + delivery + " was sent whole; letterbox revoke takes it back",
                    session.json);
    if (session.json)
      std::cout << nlohmann::json{{"discarded", delivery}} << '\n';
    else
      std::cout << "discarded " << delivery << '\n';
  });
}

void tell_of_unfinished_sends(const Session& session) {
  std::size_t unfinished = 0;
  for (const auto& folder : UnfinishedSend::all(session.home)) {
    if (UnfinishedSend::remove_if_cut(folder))
      notice(
          "a send was cut off before its files were sealed; nothing of it was sent, and what was "
          "sealed is thrown away: send them anew",
          session.json);
    else if (UnfinishedSend::is_left_behind(folder))
      ++unfinished;
  }
  if (unfinished > 0)
    notice((unfinished == 1 ? std::string("a send isn't finished")
                            : std::to_string(unfinished) + " sends aren't finished") +
               "; letterbox send --resume goes on, letterbox send --discard drops it",
           session.json);
}

}  // namespace letterbox::client
