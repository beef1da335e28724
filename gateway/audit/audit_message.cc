#include "gateway/audit/audit_message.h"

#include <optional>
#include <pugixml.hpp>

#include "crypto/base64.h"
#include "records/time.h"

namespace letterbox::gateway::audit {

namespace {

using storage::AuditKind;

// A CodedValueType of PS3.15 A.5.1.
struct Code {
  const char* value;
  const char* system;
  const char* meaning;
};

// PS3.16 CID 402.
constexpr Code kSource{"110153", "DCM", "Source Role ID"};
constexpr Code kDestination{"110152", "DCM", "Destination Role ID"};

// What messages of one EventID have in common.
struct Family {
  Code event;
  const char* action;
  std::optional<Code> caller;   ///< the role of who asks
  std::optional<Code> gateway;  ///< the role of the gateway
  const char* object;           ///< what an object is called
  const char* object_role;      ///< PS3.15 A.5.1.2.2
  const char* object_life;      ///< PS3.15 A.5.1.2.3; null: none
  bool is_alert = false;
};

// PS3.15 A.5.3.12.
constexpr Family kAuthentication{
    {"110114", "DCM", "User Authentication"}, "E", {}, {}, "object", "13", nullptr};
// PS3.15 A.5.3.5 and A.5.3.4, as IHE has a document repository say them (ITI-41, ITI-43): what is
// taken in is imported, what is handed out exported, and an object is a report.
constexpr Family kImport{{"110107", "DCM", "Import"}, "C", kSource, kDestination,
                         "delivery or file",          "3", "2"};
constexpr Family kExport{{"110106", "DCM", "Export"}, "R", kDestination, kSource,
                         "delivery or file",          "3", "10"};
// PS3.15 A.5.3.11.
constexpr Family kAlert{
    {"110113", "DCM", "Security Alert"}, "E", {}, {}, "subject of the change", "13", nullptr, true};

// What one kind of record is called.
struct Meaning {
  const Family& family;
  std::optional<Code> type;  ///< the standard's EventTypeCode
  Code kind;                 ///< ours, since the standard's is coarser than our kinds
};

Meaning meaning_of(AuditKind kind) {
  constexpr const char* kOurs = "99LETTERBOX";  // 99…: a private coding scheme, PS3.16 section 8
  constexpr Code kAttributes{"110137", "DCM", "User Security Attributes Changed"};
  constexpr Code kAccess{"110135", "DCM", "Object Security Attributes Changed"};
  switch (kind) {
    case AuditKind::kLogin:
      return {kAuthentication, Code{"110122", "DCM", "Login"}, {"login", kOurs, "Login"}};
    case AuditKind::kEnrolment:
      return {kAlert, kAttributes, {"enrolment", kOurs, "Device enrolled"}};
    case AuditKind::kRevocation:
      return {kAlert, kAttributes, {"revocation", kOurs, "Device or principal revoked"}};
    case AuditKind::kUpload:
      return {kImport, {}, {"upload", kOurs, "Upload begun"}};
    case AuditKind::kDeposit:
      return {kImport, {}, {"deposit", kOurs, "Deposit"}};
    case AuditKind::kSharing:
      return {kAlert, kAccess, {"sharing", kOurs, "Recipients of a delivery changed or confirmed"}};
    case AuditKind::kExpiry:
      return {kAlert, kAccess, {"expiry", kOurs, "Delivery expired"}};
    case AuditKind::kCollect:
      return {kExport, {}, {"collect", kOurs, "Collect"}};
    case AuditKind::kRefusal:
      return {kAlert,
              Code{"110132", "DCM", "Use of Restricted Function"},
              {"refusal", kOurs, "Request refused"}};
    case AuditKind::kAdministration:
      return {kAlert,
              Code{"110129", "DCM", "Security Configuration"},
              {"administration", kOurs, "Administration"}};
  }
  return {kAlert, {}, {}};
}

// A tenant's name is the one text that others chose. XML 1.0 can't hold every character, escaped or
// not, so whatever isn't visible ASCII is percent-encoded.
std::string visible(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c > ' ' && c <= '~' && c != '%') {
      made += c;
    } else {
      made += '%' + to_hex(as_bytes({&c, 1}));
    }
  }
  return made;
}

void add(pugi::xml_node node, const char* name, const char* value) {
  node.append_attribute(name).set_value(value);
}
void add(pugi::xml_node node, const char* name, const std::string& value) {
  add(node, name, value.c_str());
}

void add_code(pugi::xml_node parent, const char* element, const Code& code) {
  pugi::xml_node node = parent.append_child(element);
  add(node, "csd-code", code.value);
  add(node, "codeSystemName", code.system);
  add(node, "originalText", code.meaning);
}

void add_event(pugi::xml_node message, const storage::AuditRecord& record, const Meaning& meaning) {
  pugi::xml_node event = message.append_child("EventIdentification");
  add(event, "EventActionCode", meaning.family.action);
  add(event, "EventDateTime", records::to_text(record.when));
  // 4 is a minor failure: one attempt, and what should stop it did. The trail knows none that is
  // worse; whether there were too many is for the reader of all of them to see.
  add(event, "EventOutcomeIndicator",
      record.event.outcome == storage::AuditOutcome::kSuccess ? "0" : "4");
  add_code(event, "EventID", meaning.family.event);
  if (meaning.type) add_code(event, "EventTypeCode", *meaning.type);
  add_code(event, "EventTypeCode", meaning.kind);
}

// Who asked. False if nobody did: the host did it.
bool add_caller(pugi::xml_node message, const storage::AuditEvent& event, const Family& family,
                const std::string& tenant) {
  if (!event.principal && !event.device && !event.peer) return false;
  pugi::xml_node caller = message.append_child("ActiveParticipant");
  add(caller, "UserID", event.principal ? event.principal->text() + '@' + tenant : "unknown");
  if (event.device) add(caller, "AlternativeUserID", *event.device);
  // In a security alert nobody but who reports it may be the requestor.
  add(caller, "UserIsRequestor", family.is_alert ? "false" : "true");
  if (event.peer) {
    add(caller, "NetworkAccessPointID", *event.peer);
    add(caller, "NetworkAccessPointTypeCode", "2");  // an IP address
  }
  if (family.caller) add_code(caller, "RoleIDCode", *family.caller);
  return true;
}

void add_gateway(pugi::xml_node message, const Family& family, const AuditSource& source,
                 bool is_requestor) {
  pugi::xml_node gateway = message.append_child("ActiveParticipant");
  add(gateway, "UserID", "letterboxd@" + source.gateway.text());
  add(gateway, "UserIsRequestor", is_requestor ? "true" : "false");
  if (family.gateway) add_code(gateway, "RoleIDCode", *family.gateway);
}

void add_source(pugi::xml_node message, const AuditSource& source, const std::string& tenant) {
  pugi::xml_node node = message.append_child("AuditSourceIdentification");
  add(node, "AuditEnterpriseSiteID", tenant);
  add(node, "AuditSourceID", source.gateway.text());
  add(node.append_child("AuditSourceTypeCode"), "csd-code", "4");  // an application server
}

void add_object(pugi::xml_node message, const Uuid& id, const char* name, const char* role,
                const char* life, const Meaning& meaning) {
  pugi::xml_node object = message.append_child("ParticipantObjectIdentification");
  add(object, "ParticipantObjectID", "urn:uuid:" + id.text());
  add(object, "ParticipantObjectTypeCode", "2");  // a system object
  add(object, "ParticipantObjectTypeCodeRole", role);
  if (life != nullptr) add(object, "ParticipantObjectDataLifeCycle", life);
  add_code(object, "ParticipantObjectIDTypeCode", {"12", "RFC-3881", "URI"});
  object.append_child("ParticipantObjectName").text().set(name);
  if (meaning.family.is_alert) {
    pugi::xml_node detail = object.append_child("ParticipantObjectDetail");
    add(detail, "type", "Alert Description");
    add(detail, "value",
        crypto::base64_encode(as_bytes(meaning.kind.meaning), crypto::Padding::kRequired));
  }
}

class StringWriter final : public pugi::xml_writer {
 public:
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }
  std::string text;
};

}  // namespace

std::string audit_message(const storage::AuditRecord& record, const AuditSource& source) {
  const Meaning meaning = meaning_of(record.event.kind);
  const Family& family = meaning.family;
  const std::string tenant = visible(source.tenant);

  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  add(declaration, "version", "1.0");
  add(declaration, "encoding", "UTF-8");
  pugi::xml_node message = document.append_child("AuditMessage");

  add_event(message, record, meaning);
  const bool has_caller = add_caller(message, record.event, family, tenant);
  add_gateway(message, family, source, !has_caller);
  add_source(message, source, tenant);
  if (record.event.object) {
    add_object(message, *record.event.object, family.object, family.object_role, family.object_life,
               meaning);
  }
  // So that a reader who gets a record twice knows it, and one who lost its place can find it.
  add_object(message, record.id, "audit record", "13", nullptr, meaning);

  StringWriter writer;
  document.save(writer, "", pugi::format_raw, pugi::encoding_utf8);
  return writer.text;
}

}  // namespace letterbox::gateway::audit
