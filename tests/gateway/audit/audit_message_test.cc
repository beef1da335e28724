// What one record becomes. That each message is valid against the schema is seen in
// tests/integration/audit_export_test.py.
#include "gateway/audit/audit_message.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "crypto/base64.h"

namespace letterbox::gateway::audit {
namespace {

using namespace std::chrono_literals;
using storage::AuditKind;
using storage::AuditOutcome;

const Uuid kGateway = *Uuid::parse("0193a0de-0000-7000-8000-000000000001");
const Uuid kRecord = *Uuid::parse("0193a0de-0000-7000-8000-000000000002");
const Uuid kPrincipal = *Uuid::parse("0193a0de-0000-7000-8000-000000000003");
const Uuid kObject = *Uuid::parse("0193a0de-0000-7000-8000-000000000004");
const std::string kKey(64, 'a');

storage::AuditRecord record(AuditKind kind, AuditOutcome outcome = AuditOutcome::kSuccess) {
  return {kRecord,
          std::chrono::sys_days(2026y / 11 / 24) + 17h + 30min,
          {.kind = kind,
           .outcome = outcome,
           .principal = kPrincipal,
           .device = kKey,
           .peer = "192.0.2.7",
           .object = kObject}};
}

class Message {
 public:
  explicit Message(const storage::AuditRecord& record,
                   const std::string& tenant = "hospital.example")
      : text(audit_message(record, {kGateway, tenant})) {
    EXPECT_TRUE(document_.load_string(text.c_str(), pugi::parse_full)) << text;
  }
  std::string at(const char* path) const { return document_.select_node(path).attribute().value(); }
  std::size_t count(const char* path) const { return document_.select_nodes(path).size(); }

  const std::string text;

 private:
  pugi::xml_document document_;
};

struct Expected {
  AuditKind kind;
  const char* event;
  const char* action;
  const char* type;  // the standard's; empty: none
  const char* ours;
  const char* caller;  // role; empty: none
  const char* gateway;
  const char* requestor;
  const char* object_role;
};

class EachKind : public testing::TestWithParam<Expected> {};

TEST_P(EachKind, IsTheStandardsEventWithItsParticipants) {
  const Expected& expected = GetParam();
  const Message message(record(expected.kind));
  EXPECT_EQ(message.at("//EventID/@csd-code"), expected.event);
  EXPECT_EQ(message.at("//EventID/@codeSystemName"), "DCM");
  EXPECT_EQ(message.at("//EventIdentification/@EventActionCode"), expected.action);
  EXPECT_EQ(message.at("//EventTypeCode[@codeSystemName='DCM']/@csd-code"), expected.type);
  EXPECT_EQ(message.at("//EventTypeCode[@codeSystemName='99LETTERBOX']/@csd-code"), expected.ours);
  EXPECT_EQ(message.at("//ActiveParticipant[1]/RoleIDCode/@csd-code"), expected.caller);
  EXPECT_EQ(message.at("//ActiveParticipant[2]/RoleIDCode/@csd-code"), expected.gateway);
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@UserIsRequestor"), expected.requestor);
  EXPECT_EQ(message.at("//ActiveParticipant[2]/@UserIsRequestor"), "false");
  EXPECT_EQ(message.at("//ParticipantObjectIdentification[1]/@ParticipantObjectTypeCodeRole"),
            expected.object_role);
}

TEST_P(EachKind, SaysInAnAlertWhatItIsAbout) {
  const Message message(record(GetParam().kind));
  const bool is_alert = std::string_view(GetParam().event) == "110113";
  EXPECT_EQ(message.count("//ParticipantObjectDetail[@type='Alert Description']"),
            is_alert ? 2U : 0U);
  if (!is_alert) return;
  const auto said = crypto::base64_decode(message.at("//ParticipantObjectDetail/@value"),
                                          crypto::Padding::kRequired);
  ASSERT_TRUE(said);
  EXPECT_EQ(as_text(*said),
            message.at("//EventTypeCode[@codeSystemName='99LETTERBOX']/@originalText"));
}

TEST_P(EachKind, SucceedsOrFails) {
  const char* const path = "//@EventOutcomeIndicator";
  EXPECT_EQ(Message(record(GetParam().kind, AuditOutcome::kSuccess)).at(path), "0");
  EXPECT_EQ(Message(record(GetParam().kind, AuditOutcome::kFailure)).at(path), "4");
}

INSTANTIATE_TEST_SUITE_P(
    AuditMessage, EachKind,
    testing::Values(
        Expected{AuditKind::kLogin, "110114", "E", "110122", "login", "", "", "true", "13"},
        Expected{AuditKind::kEnrolment, "110113", "E", "110137", "enrolment", "", "", "false",
                 "13"},
        Expected{AuditKind::kRevocation, "110113", "E", "110137", "revocation", "", "", "false",
                 "13"},
        Expected{AuditKind::kUpload, "110107", "C", "", "upload", "110153", "110152", "true", "3"},
        Expected{AuditKind::kDeposit, "110107", "C", "", "deposit", "110153", "110152", "true",
                 "3"},
        Expected{AuditKind::kSharing, "110113", "E", "110135", "sharing", "", "", "false", "13"},
        Expected{AuditKind::kExpiry, "110113", "E", "110135", "expiry", "", "", "false", "13"},
        Expected{AuditKind::kCollect, "110106", "R", "", "collect", "110152", "110153", "true",
                 "3"},
        Expected{AuditKind::kRefusal, "110113", "E", "110132", "refusal", "", "", "false", "13"},
        Expected{AuditKind::kAdministration, "110113", "E", "110129", "administration", "", "",
                 "false", "13"}),
    [](const auto& each) { return std::string(each.param.ours); });

TEST(AuditMessageTest, NamesCallerGatewayTenantAndObjectsByOurIds) {
  const Message message(record(AuditKind::kCollect));
  EXPECT_EQ(message.at("//@EventDateTime"), "2026-11-24T17:30:00Z");
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@UserID"), kPrincipal.text() + "@hospital.example");
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@AlternativeUserID"), kKey);
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@NetworkAccessPointID"), "192.0.2.7");
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@NetworkAccessPointTypeCode"), "2");
  EXPECT_EQ(message.at("//ActiveParticipant[2]/@UserID"), "letterboxd@" + kGateway.text());
  EXPECT_EQ(message.at("//@AuditEnterpriseSiteID"), "hospital.example");
  EXPECT_EQ(message.at("//@AuditSourceID"), kGateway.text());
  EXPECT_EQ(message.at("//ParticipantObjectIdentification[1]/@ParticipantObjectID"),
            "urn:uuid:" + kObject.text());
  EXPECT_EQ(message.at("//ParticipantObjectIdentification[2]/@ParticipantObjectID"),
            "urn:uuid:" + kRecord.text());
}

TEST(AuditMessageTest, OfTheHostHasTheGatewayAsRequestor) {
  storage::AuditRecord of_host{kRecord, {}, {.kind = AuditKind::kAdministration}};
  of_host.when = record(AuditKind::kLogin).when;
  const Message message(of_host);
  EXPECT_EQ(message.count("//ActiveParticipant"), 1U);
  EXPECT_EQ(message.at("//ActiveParticipant/@UserID"), "letterboxd@" + kGateway.text());
  EXPECT_EQ(message.at("//ActiveParticipant/@UserIsRequestor"), "true");
  EXPECT_EQ(message.count("//ParticipantObjectIdentification"), 1U);
}

TEST(AuditMessageTest, OfSomebodyUnknownSaysWhere) {
  storage::AuditRecord refused = record(AuditKind::kRefusal, AuditOutcome::kFailure);
  refused.event.principal.reset();
  refused.event.device.reset();
  refused.event.peer = "2001:db8::7";
  const Message message(refused);
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@UserID"), "unknown");
  EXPECT_EQ(message.count("//@AlternativeUserID"), 0U);
  EXPECT_EQ(message.at("//ActiveParticipant[1]/@NetworkAccessPointID"), "2001:db8::7");
}

TEST(AuditMessageTest, EscapesATenantsNameSoThatNothingCanBeSmuggledIn) {
  const Message message(record(AuditKind::kLogin), "\"/><a>&amp;'\n\x01 %Ü");
  EXPECT_EQ(message.at("//@AuditEnterpriseSiteID"), "\"/><a>&amp;'%0a%01%20%25%c3%9c");
  EXPECT_EQ(message.count("//a"), 0U);
  EXPECT_EQ(message.text.find('\n'), std::string::npos);
  for (const char c : message.text) ASSERT_TRUE(c >= ' ' && c <= '~') << message.text;
}

}  // namespace
}  // namespace letterbox::gateway::audit
