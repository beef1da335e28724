#include "client/held.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "client/files.h"
#include "client/recipients_change.h"
#include "client/sealed_delivery.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxHeldFile = 4096;

std::filesystem::path file_of(const Home& home, const Uuid& delivery) {
  return home.held() / (delivery.text() + ".json");
}

HeldLetter parse_held(const std::filesystem::path& path) {
  const json object = json::parse(as_text(read_small_file(path, kMaxHeldFile)), nullptr, false);
  if (object.is_object() && object.contains("delivery") && object.contains("to") &&
      object["delivery"].is_string() && object["to"].is_string()) {
    const auto delivery = Uuid::parse(object["delivery"].get<std::string>());
    const auto to = records::Handle::parse(object["to"].get<std::string>());
    if (delivery && to) return {*delivery, *to};
  }
  throw Error(ErrorCode::kMalformed, path.string() + " isn't a note of a held letter");
}

}  // namespace

void remember(const Home& home, const HeldLetter& letter) {
  const std::string text =
      json{{"delivery", letter.delivery.text()}, {"to", letter.to.text()}}.dump() + "\n";
  write_new_file(file_of(home, letter.delivery), as_bytes(text));
}

std::vector<HeldLetter> held_letters(const Home& home) {
  std::vector<HeldLetter> letters;
  for (const auto& entry : std::filesystem::directory_iterator(home.held()))
    if (entry.path().extension() == ".json") letters.push_back(parse_held(entry.path()));
  std::ranges::sort(letters, {}, &HeldLetter::delivery);
  return letters;
}

std::vector<Uuid> send_on(Caller& us, const records::Handle& to) {
  const Home& home = us.session().home;
  std::vector<HeldLetter> letters = held_letters(home);
  std::erase_if(letters, [&](const HeldLetter& letter) { return letter.to != to; });
  if (letters.empty()) return {};
  const std::vector<records::DeviceRecord> devices = sealable_devices(us, Addressees({to.text()}));
  std::vector<Uuid> sent;
  for (const HeldLetter& letter : letters) {
    try {
      change_recipients(us, letter.delivery, [&](const VerifiedChain& chain) {
        // A letter of somebody else would be sent on as ours.
        if (chain.last().cover().sender != us.device().handle)
          throw Error(ErrorCode::kIntegrity, "the letter that was held isn't from this user");
        return with_added(chain.last().cover().recipients, devices);
      });
      sent.push_back(letter.delivery);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
      notice("the letter " + letter.delivery.text() + ", held for " + to.text() +
                 ", has expired or was deleted",
             us.session().json);
    }
    std::filesystem::remove(file_of(home, letter.delivery));
  }
  return sent;
}

void tell_of_held_letters(Caller& us) {
  std::set<records::Handle> told;
  for (const HeldLetter& letter : held_letters(us.session().home)) {
    if (!told.insert(letter.to).second) continue;
    try {
      us.look_up(letter.to);
      notice(letter.to.text() + " has enrolled, and a letter is held for them; letterbox trust " +
                 letter.to.text() + " sends it on",
             us.session().json);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
    }
  }
}

}  // namespace letterbox::client
