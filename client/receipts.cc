#include <iostream>
#include <nlohmann/json.hpp>

#include "client/commands.h"

namespace letterbox::client {

void receipts(const Session& session, const std::optional<bool>& sends) {
  if (sends) session.home.set_sends_receipts(*sends);
  const bool now = session.home.sends_receipts();
  if (session.json)
    std::cout << nlohmann::json{{"receipts", now}} << '\n';
  else
    std::cout << (now ? "senders are told when a delivery was opened here\n"
                      : "senders aren't told when a delivery was opened here\n");
}

}  // namespace letterbox::client
