#include "client/held.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "client/files.h"
#include "client/found_delivery.h"
#include "client/index_stream.h"
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

VerifiedDelivery fetch(Caller& us, const Uuid& id) {
  const FoundDelivery found = find_delivery(us.gateway(), id);
  VerifiedDelivery delivery = verify_delivery(found.delivery, us.trusted_keys());
  // A letter of somebody else would be sent on as ours.
  if (delivery.cover.cover().sender != us.device().handle)
    throw Error(ErrorCode::kIntegrity, "the letter that was held isn't from this user");
  return delivery;
}

Uuid seal_anew(Caller& us, const VerifiedDelivery& held, const records::Handle& to) {
  Addressees addressees({to.text()});
  addressees.add(us.device().recipient);
  SealedDelivery delivery(us, addressees, sealable_devices(us, addressees),
                          held.cover.cover().expires);
  std::map<Uuid, records::Index> indexes;
  fetch_indexes(us, held, [&](FileIndex of) {
    if (of.index) indexes.emplace(of.file, std::move(*of.index));
    return true;
  });
  const auto& entries = held.manifest.files;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto age_file = us.gateway().download("/v1/files/" + entries[i].id.text());
    OpenedFile plaintext(*age_file, us.keys().identities, held.cover, &entries, &entries[i].id);
    // It is opened to its verified end before a byte of what is sealed anew is sent.
    const std::string name =
        "file " + std::to_string(i + 1) + " of " + std::to_string(entries.size());
    SpooledFile sealed = delivery.seal(plaintext, name, plaintext_size(entries[i]));
    delivery.add(sealed, name);
    const auto index = indexes.find(entries[i].id);
    if (index != indexes.end()) delivery.add_index(sealed.entry.id, index->second);
  }
  delivery.close();
  return delivery.cover().delivery;
}

void revoke(Caller& us, const Uuid& delivery) {
  try {
    us.gateway().remove("/v1/deliveries/" + delivery.text());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
  }
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
  std::vector<Uuid> sent;
  for (const HeldLetter& letter : held_letters(home)) {
    if (letter.to != to) continue;
    std::optional<VerifiedDelivery> held;
    try {
      held = fetch(us, letter.delivery);
      sent.push_back(seal_anew(us, *held, to));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
      held.reset();
      notice("the letter " + letter.delivery.text() + ", held for " + to.text() +
                 ", has expired or was deleted",
             us.session().json);
    }
    std::filesystem::remove(file_of(home, letter.delivery));
    if (held) revoke(us, letter.delivery);
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
