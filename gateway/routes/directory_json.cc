#include "gateway/routes/directory_json.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json_text.h"

namespace letterbox::gateway {

namespace {

// What is written: members stay in the order in which they were added. What is read isn't, because
// there each name is looked for among all before it.
using Json = nlohmann::ordered_json;
using Body = nlohmann::json;
using storage::PrincipalKind;

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kMalformed, "a body isn't JSON of the documented form");
}

// As deep as the signatures of an envelope in a body.
constexpr std::size_t kMostDepth = 4;

// An object with no members but `names`, of which none comes twice.
Body parse_object(std::string_view text, const std::set<std::string>& names) {
  if (fault_in_json(text, kMostDepth)) refuse();
  Body json = Body::parse(text);
  if (!json.is_object()) refuse();
  for (const auto& member : json.items()) {
    if (!names.contains(member.key())) refuse();
  }
  return json;
}

std::string text_of(const Body& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) refuse();
  return found->get<std::string>();
}

records::Handle handle_of(const std::string& text) {
  const auto handle = records::Handle::parse(text);
  if (!handle) refuse();
  return *handle;
}

std::vector<records::Handle> handles_of(const Body& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array()) refuse();
  std::vector<records::Handle> handles;
  for (const Body& one : *found) {
    if (!one.is_string()) refuse();
    handles.push_back(handle_of(one.get<std::string>()));
  }
  return handles;
}

// Seconds.
std::chrono::seconds closes_after_of(const Body& json) {
  const auto found = json.find("closes_after");
  if (found == json.end()) return storage::Mailbox{}.closes_after;
  if (!found->is_number_unsigned() || *found > storage::kLongestOpen / std::chrono::seconds{1}) {
    refuse();
  }
  return std::chrono::seconds(found->get<unsigned>());
}

Json time_or_null(const std::optional<records::Time>& time) {
  return time ? Json(records::to_text(*time)) : Json(nullptr);
}

Json object_of(const storage::Invitation& invitation) {
  return {{"id", to_hex(invitation.token_sha256)},
          {"handle", invitation.handle},
          {"kind", storage::to_text(invitation.kind)},
          {"made", records::to_text(invitation.made)},
          {"expires", records::to_text(invitation.expires)},
          {"redeemed", time_or_null(invitation.redeemed)}};
}

Json object_of(const storage::Principal& principal) {
  return {{"id", principal.id.text()},
          {"handle", principal.handle},
          {"kind", storage::to_text(principal.kind)},
          {"created", records::to_text(principal.created)},
          {"revoked", time_or_null(principal.revoked)}};
}

Json object_of(const storage::Mailbox& mailbox, const std::vector<storage::Principal>& principals) {
  Json depositors = Json::array();
  for (const storage::Principal& principal : principals) {
    if (mailbox.depositors.contains(principal.id)) depositors.push_back(principal.handle);
  }
  return {{"recipients", mailbox.recipients},
          {"depositors", std::move(depositors)},
          {"closes_after", mailbox.closes_after.count()}};
}

}  // namespace

Enrolment parse_enrolment(std::string_view text) {
  const Body json = parse_object(text, {"invitation", "record"});
  const auto record = json.find("record");
  if (record == json.end()) refuse();
  return {text_of(json, "invitation"), records::parse_envelope(record->dump())};
}

InvitationRequest parse_invitation_request(std::string_view text) {
  const Body json = parse_object(text, {"handle", "kind", "expires"});
  InvitationRequest request{handle_of(text_of(json, "handle")), PrincipalKind::kPerson, {}};
  const std::string kind = text_of(json, "kind");
  if (kind == "administrator") {
    request.kind = PrincipalKind::kAdministrator;
  } else if (kind != "person") {
    refuse();
  }
  if (json.contains("expires")) {
    request.expires = records::parse_time(text_of(json, "expires"));
    if (!request.expires) refuse();
  }
  return request;
}

MachineRequest parse_machine_request(std::string_view text) {
  const Body json = parse_object(text, {"handle", "certificate"});
  return {handle_of(text_of(json, "handle")), text_of(json, "certificate")};
}

MailboxRequest parse_mailbox_request(std::string_view text) {
  const Body json = parse_object(text, {"recipients", "depositors", "closes_after"});
  return {handles_of(json, "recipients"), handles_of(json, "depositors"), closes_after_of(json)};
}

std::string enrolled_json(const Enrolled& enrolled) {
  return Json{{"handle", enrolled.principal.handle},
              {"principal", enrolled.principal.id.text()},
              {"state", records::to_text(enrolled.device.state)},
              {"waits_until", time_or_null(enrolled.device.waits_until)}}
      .dump();
}

std::string self_json(const Caller& caller) {
  const bool administers = caller.principal_kind == PrincipalKind::kAdministrator;
  return Json{{"handle", caller.handle->text()},
              {"kind", administers ? "administrator" : "person"},
              {"device", caller.device->record.signing_key.fingerprint()},
              {"state", records::to_text(caller.device->state)},
              {"waits_until", time_or_null(caller.device->waits_until)}}
      .dump();
}

std::string history_json(const records::Handle& handle,
                         const std::vector<storage::AcceptedRecord>& history) {
  Json records = Json::array();
  for (const storage::AcceptedRecord& entry : history) {
    records.push_back(
        {{"accepted", records::to_text(entry.accepted)}, {"record", Json::parse(entry.record)}});
  }
  return Json{{"handle", handle.text()}, {"records", std::move(records)}}.dump();
}

std::string invitation_json(const Token& token, records::Time expires) {
  return Json{{"invitation", token.text().reveal_text()},
              {"id", to_hex(token.sha256())},
              {"expires", records::to_text(expires)}}
      .dump();
}

std::string invitations_json(const std::vector<storage::Invitation>& invitations) {
  Json list = Json::array();
  for (const storage::Invitation& one : invitations) list.push_back(object_of(one));
  return Json{{"invitations", std::move(list)}}.dump();
}

std::string principal_json(const storage::Principal& principal) {
  return object_of(principal).dump();
}

std::string principals_json(const std::vector<storage::Principal>& principals) {
  Json list = Json::array();
  for (const storage::Principal& one : principals) list.push_back(object_of(one));
  return Json{{"principals", std::move(list)}}.dump();
}

std::string mailbox_json(const storage::Mailbox& mailbox,
                         const std::vector<storage::Principal>& principals) {
  return object_of(mailbox, principals).dump();
}

std::string mailboxes_json(const std::vector<storage::Mailbox>& mailboxes,
                           const std::vector<storage::Principal>& principals) {
  Json list = Json::object();
  for (const storage::Mailbox& one : mailboxes) list[one.name] = object_of(one, principals);
  return Json{{"mailboxes", std::move(list)}}.dump();
}

}  // namespace letterbox::gateway
