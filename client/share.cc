#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "client/addressees.h"
#include "client/commands.h"
#include "client/recipients_change.h"
#include "client/sealed_delivery.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

Uuid delivery_of(const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) throw Error(ErrorCode::kUsage, "that isn't the id of a delivery (a UUIDv7)");
  return *id;
}

// Who is in `a` and not in `b`.
Recipients difference(const Recipients& a, const Recipients& b) {
  std::set<crypto::X25519Recipient> keys;
  for (const auto& recipient : b) keys.insert(recipient.recipient);
  Recipients rest;
  for (const auto& recipient : a)
    if (!keys.contains(recipient.recipient)) rest.push_back(recipient);
  return rest;
}

json to_json(const Recipients& recipients) {
  json array = json::array();
  for (const auto& recipient : recipients)
    array.push_back(
        {{"handle", recipient.handle.text()}, {"recipient", recipient.recipient.text()}});
  return array;
}

void print(const char* what, const Recipients& recipients) {
  for (const auto& recipient : recipients)
    std::cout << what << recipient.handle.text() << "  " << recipient.recipient.text() << '\n';
}

// Changes the recipients to what `of` makes of them, and says who is one by that, or isn't any
// more.
void change(Caller& us, const Uuid& id, const std::function<Wanted(const VerifiedChain&)>& of,
            const char* nothing_to_change) {
  Recipients before;
  std::uint32_t version = 0;
  const auto next = change_recipients(us, id, [&](const VerifiedChain& chain) {
    before = chain.last().cover().recipients;
    version = chain.last().cover().version;
    return of(chain);
  });
  const Recipients after = next ? next->cover.recipients : before;
  const Recipients added = difference(after, before);
  const Recipients dropped = difference(before, after);
  if (us.session().json) {
    std::cout << json{{"delivery", id.text()},
                      {"version", next ? next->cover.version : version},
                      {"added", to_json(added)},
                      {"dropped", to_json(dropped)}}
              << '\n';
    return;
  }
  if (!next) std::cout << "nothing to change: " << nothing_to_change << '\n';
  print("shared with ", added);
  print("dropped ", dropped);
  if (!dropped.empty())
    std::cout
        << "the gateway gives it to them no more; whoever fetched it before may have kept it, "
           "and whoever can still open it may share it with them again\n";
}

}  // namespace

void share(const Session& session, const ShareOptions& options) {
  const Uuid id = delivery_of(options.id);
  const Addressees addressees(options.who);
  Caller us(session);
  us.check_active();
  const std::vector<records::DeviceRecord> devices = sealable_devices(us, addressees);
  change(
      us, id, [&](const VerifiedChain& chain) { return with_added(chain, devices); },
      "they can open it already");
}

void unshare(const Session& session, const ShareOptions& options) {
  const Uuid id = delivery_of(options.id);
  const Addressees addressees(options.who);
  Caller us(session);
  us.check_active();
  const auto is_meant = [&](const records::CoverRecipient& recipient) {
    return addressees.names(recipient);
  };
  const auto was_meant = [&](const VerifiedCover& cover) {
    return std::ranges::any_of(cover.cover().recipients, is_meant);
  };
  const auto without = [&](const VerifiedChain& chain) {
    const records::Cover& cover = chain.last().cover();
    const bool is_senders = cover.sender == us.device().handle;
    // So that a sender can drop somebody whatever strangers, or a gateway, have made of the list.
    const Recipients unvouched = is_senders ? us.unvouched(chain) : Recipients();
    bool drops_anybody = false;
    Recipients rest;
    for (const auto& recipient : cover.recipients) {
      if (!is_meant(recipient)) {
        if (std::ranges::count(unvouched, recipient.recipient,
                               &records::CoverRecipient::recipient) == 0)
          rest.push_back(recipient);
      } else if (!is_senders && recipient.handle != us.device().handle) {
        throw Error(ErrorCode::kNotAllowed,
                    "only its sender, " + cover.sender.text() +
                        ", can drop others than themselves: " + recipient.handle.text());
      } else {
        drops_anybody = true;
      }
    }
    if (!drops_anybody) {
      if (std::ranges::none_of(chain.all(), was_meant))
        throw Error(ErrorCode::kNotFound, "it isn't shared with them");
      // They were dropped before, perhaps by a command whose answer got lost.
      return Wanted{cover.recipients};
    }
    if (rest.empty())
      throw Error(ErrorCode::kUsage,
                  "nobody would be left who can open it; if you sent it, letterbox revoke takes it "
                  "back");
    if (!unvouched.empty())
      notice(
          "whoever was added only by devices that aren't known here is dropped, too; share it "
          "with them again if you want them to have it",
          us.session().json);
    return Wanted{std::move(rest)};
  };
  change(us, id, without, "it isn't shared with them any more");
}

}  // namespace letterbox::client
