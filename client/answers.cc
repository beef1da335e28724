#include "client/answers.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "crypto/base64.h"

namespace letterbox::client {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& member) {
  throw Error(ErrorCode::kMalformed, "the gateway's answer isn't as documented, at: " + member);
}

json parse(std::string_view text) {
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) refuse("the object itself");
  return object;
}

const json& member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) refuse(name);
  return *found;
}

const std::string& text_of(const json& object, const char* name) {
  const auto* text = member(object, name).get_ptr<const std::string*>();
  if (text == nullptr) refuse(name);
  return *text;
}

Uuid uuid_of(const json& object, const char* name) {
  const auto id = Uuid::parse(text_of(object, name));
  if (!id) refuse(name);
  return *id;
}

Bytes base64_of(const json& object, const char* name) {
  auto bytes = crypto::base64_decode(text_of(object, name), crypto::Padding::kRequired);
  if (!bytes) refuse(name);
  return *std::move(bytes);
}

const json::array_t& array_of(const json& object, const char* name) {
  const auto* array = member(object, name).get_ptr<const json::array_t*>();
  if (array == nullptr) refuse(name);
  return *array;
}

// An envelope has a strict reader of its own, which wants text.
records::Envelope envelope_of(const json& value) {
  return records::parse_envelope(value.dump());
}

std::vector<records::Envelope> envelopes_of(const json& object, const char* name) {
  std::vector<records::Envelope> envelopes;
  for (const json& value : array_of(object, name)) envelopes.push_back(envelope_of(value));
  return envelopes;
}

records::Time time_of(const json& object, const char* name) {
  const auto time = records::parse_time(text_of(object, name));
  if (!time) refuse(name);
  return *time;
}

records::DeviceState state_of(const json& object) {
  const std::string& text = text_of(object, "state");
  if (text == "unvouched") return records::DeviceState::kUnvouched;
  if (text == "waiting") return records::DeviceState::kWaiting;
  if (text == "active") return records::DeviceState::kActive;
  if (text == "revoked") return records::DeviceState::kRevoked;
  refuse("state");
}

SentState sent_state_of(const json& object) {
  const std::string& text = text_of(object, "state");
  for (const SentState state :
       {SentState::kOpen, SentState::kClosed, SentState::kExpired, SentState::kRevoked})
    if (text == to_text(state)) return state;
  refuse("state");
}

std::optional<records::Envelope> envelope_or_null(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_null() ? std::nullopt : std::optional(envelope_of(value));
}

std::uint64_t count_of(const json& object, const char* name) {
  const json& count = member(object, name);
  if (!count.is_number_unsigned()) refuse(name);
  return count.get<std::uint64_t>();
}

StoredAnswer stored_of(const json& object) {
  const Bytes digest = base64_of(object, "sha256");
  StoredAnswer stored{uuid_of(object, "file"), count_of(object, "length"), {}};
  if (digest.size() != stored.sha256.size()) refuse("sha256");
  std::ranges::copy(digest, stored.sha256.begin());
  return stored;
}

}  // namespace

DraftAnswer parse_draft_answer(std::string_view text) {
  const json object = parse(text);
  return {uuid_of(object, "delivery"), base64_of(object, "cover")};
}

StoredAnswer parse_stored_answer(std::string_view text) {
  return stored_of(parse(text));
}

SealedAnswer parse_sealed_answer(std::string_view text) {
  const json object = parse(text);
  return {{uuid_of(object, "delivery"),
           {envelope_of(member(object, "cover"))},
           envelope_of(member(object, "manifest"))},
          stored_of(object)};
}

UnverifiedDelivery parse_delivery_answer(std::string_view text) {
  const json object = parse(text);
  return {uuid_of(object, "delivery"), envelopes_of(object, "covers"),
          envelope_of(member(object, "manifest"))};
}

InboxAnswer parse_inbox_answer(std::string_view text) {
  const json object = parse(text);
  InboxAnswer inbox;
  for (const json& delivery : array_of(object, "deliveries"))
    inbox.deliveries.push_back(delivery.dump());
  if (!member(object, "next").is_null()) inbox.next = uuid_of(object, "next");
  return inbox;
}

std::string_view to_text(SentState state) noexcept {
  switch (state) {
    case SentState::kOpen:
      return "open";
    case SentState::kClosed:
      return "closed";
    case SentState::kExpired:
      return "expired";
    case SentState::kRevoked:
      return "revoked";
  }
  return "";
}

SentAnswer parse_sent_answer(std::string_view text) {
  const json object = parse(text);
  SentAnswer sent{uuid_of(object, "delivery"),         sent_state_of(object),
                  time_of(object, "created"),          time_of(object, "expires"),
                  count_of(object, "files"),           count_of(object, "bytes"),
                  envelopes_of(object, "covers"),      envelope_or_null(object, "manifest"),
                  envelope_or_null(object, "deleted"), {}};
  for (const json& device : array_of(object, "devices")) {
    if (!device.is_object()) refuse("devices");
    const auto handle = records::Handle::parse(text_of(device, "handle"));
    const auto recipient = crypto::X25519Recipient::parse(text_of(device, "recipient"));
    if (!handle || !recipient) refuse("devices");
    const bool collected = !member(device, "collected").is_null();
    sent.devices.push_back({*handle, *recipient,
                            collected ? std::optional(time_of(device, "collected")) : std::nullopt,
                            envelope_or_null(device, "opened")});
  }
  return sent;
}

EnrolledAnswer parse_enrolled_answer(std::string_view text) {
  const json object = parse(text);
  EnrolledAnswer enrolled{state_of(object), std::nullopt};
  if (!member(object, "waits_until").is_null())
    enrolled.waits_until = time_of(object, "waits_until");
  return enrolled;
}

records::Handle parse_own_handle(std::string_view text) {
  const auto handle = records::Handle::parse(text_of(parse(text), "handle"));
  if (!handle) refuse("handle");
  return *handle;
}

HistoryAnswer parse_history_answer(std::string_view text,
                                   const std::optional<records::Handle>& of) {
  const json object = parse(text);
  const auto handle = records::Handle::parse(text_of(object, "handle"));
  if (!handle || (of && *of != *handle)) refuse("handle");
  HistoryAnswer history{*handle, {}};
  for (const json& entry : array_of(object, "records")) {
    if (!entry.is_object()) refuse("records");
    history.entries.push_back({time_of(entry, "accepted"), envelope_of(member(entry, "record"))});
  }
  return history;
}

SecretBytes parse_invitation_answer(std::string_view text) {
  json object = parse(text);
  const std::string& token = text_of(object, "invitation");
  SecretBytes secret{as_bytes(token)};
  auto& copy = object["invitation"].get_ref<std::string&>();
  wipe({reinterpret_cast<Byte*>(copy.data()), copy.size()});
  if (secret.size() != 43) refuse("invitation");
  return secret;
}

std::optional<Uuid> delivery_id_of(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find("delivery");
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return Uuid::parse(found->get_ref<const std::string&>());
}

std::optional<Uuid> delivery_of_link(std::string_view link) {
  constexpr std::string_view kPrefix = "</v1/deliveries/";
  constexpr std::string_view kSuffix = ">; rel=\"collection\"";
  if (!link.starts_with(kPrefix) || !link.ends_with(kSuffix)) return std::nullopt;
  link.remove_prefix(kPrefix.size());
  if (link.size() < kSuffix.size()) return std::nullopt;
  link.remove_suffix(kSuffix.size());
  return Uuid::parse(link);
}

}  // namespace letterbox::client
