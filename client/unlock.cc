#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/expiry.h"
#include "client/keyring.h"

namespace letterbox::client {
namespace {

// A day: what is unlocked in the morning isn't any more the next one.
constexpr std::chrono::hours kLongest{24};

}  // namespace

void unlock(const Session& session, const UnlockOptions& options) {
  const auto time = parse_duration(options.time);
  if (!time || *time > kLongest)
    throw Error(ErrorCode::kUsage, "--for takes hours or minutes, as 8h or 30m, at most 24h");
  const auto path = session.home.key_file();
  keep_unlocked(path, key_file_key(path, session.passphrase_file), *time);

  const std::string until = records::to_text(records::now() + *time);
  if (session.json)
    std::cout << nlohmann::json{{"unlocked_until", until}} << '\n';
  else
    std::cout << "unlocked until " << until << "; letterbox lock ends it earlier\n";
}

void lock(const Session& session) {
  const bool was_unlocked = forget_unlocked(session.home.key_file());
  if (session.json)
    std::cout << nlohmann::json{{"was_unlocked", was_unlocked}} << '\n';
  else
    std::cout << (was_unlocked ? "locked\n" : "it wasn't unlocked\n");
}

}  // namespace letterbox::client
