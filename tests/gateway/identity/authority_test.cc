// Who may do what. The expectations are written out once more, from design and API, so that a slip
// in the table shows.
#include "gateway/identity/authority.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gateway/routes/routes.h"

namespace letterbox::gateway {
namespace {

using enum Role;

const std::set<Role> kRoles = {kAnybody, kApplicant, kPerson, kAdministrator, kMachine};

std::string name(const std::string_view method, const std::string_view path) {
  return std::string(method) + " " + std::string(path);
}

TEST(Rights, EveryRouteHasItsRow) {
  for (const RouteName& route : route_names()) {
    EXPECT_NE(right_to(route.method, route.path), nullptr) << name(route.method, route.path);
  }
}

TEST(Rights, EveryRowIsARouteAndNoneComesTwice) {
  std::set<std::string> routes;
  for (const RouteName& route : route_names()) routes.insert(name(route.method, route.path));
  std::set<std::string> rows;
  for (const Right& right : rights()) {
    EXPECT_TRUE(routes.contains(name(right.method, right.path)));
    EXPECT_TRUE(rows.insert(name(right.method, right.path)).second);
    EXPECT_FALSE(right.roles.empty());
  }
}

TEST(Rights, WhatHasNoRowIsNobodys) {
  EXPECT_EQ(right_to("GET", "/v1/everything"), nullptr);
  EXPECT_EQ(right_to("PATCH", "/v1/files/{id}"), nullptr);
}

TEST(Rights, AStrangerHasHealthDescriptionAndEnrolmentAndNothingElse) {
  std::set<std::string> open;
  for (const Right& right : rights()) {
    if (has(kAnybody, right)) open.insert(name(right.method, right.path));
  }
  EXPECT_EQ(open,
            (std::set<std::string>{"GET /healthz", "HEAD /healthz", "GET /readyz", "HEAD /readyz",
                                   "GET /openapi.yaml", "HEAD /openapi.yaml", "POST /v1/devices"}));
}

TEST(Rights, AMachineDepositsAndTakesBackAndNothingElse) {
  std::set<std::string> own;
  for (const Right& right : rights()) {
    if (has(kMachine, right) && !has(kAnybody, right)) own.insert(name(right.method, right.path));
  }
  const std::string dicom_web = " /to/{mailbox}/dicom-web/";
  EXPECT_EQ(own, (std::set<std::string>{
                     "POST /v1/files", "DELETE /v1/deliveries/{id}", "POST" + dicom_web + "studies",
                     "POST" + dicom_web + "studies/{study}", "GET" + dicom_web + "studies",
                     "GET" + dicom_web + "{resource...}",
                     "POST" + dicom_web + "commitment-requests/{transaction}",
                     "GET" + dicom_web + "commitment-requests/{transaction}"}));
}

TEST(Rights, AnAdministratorReadsNoLetters) {
  for (const char* path :
       {"/v1/inbox", "/v1/files/{id}", "/v1/files/{id}/header", "/v1/files/{id}/payload",
        "/v1/deliveries/{id}", "/v1/deliveries/{id}/index", "/v1/deliveries/{id}/headers",
        "/v1/deliveries/{id}/files", "/v1/sent", "/v1/deliveries/{id}/receipts"}) {
    EXPECT_FALSE(has(kAdministrator, *right_to("GET", path))) << path;
  }
}

TEST(Rights, OnlyAdministratorsAdminister) {
  for (const Right& right : rights()) {
    if (!right.path.starts_with("/v1/principals") && !right.path.starts_with("/v1/mailboxes") &&
        name(right.method, right.path) != "DELETE /v1/devices/{id}") {
      continue;
    }
    for (const Role role : kRoles) EXPECT_EQ(has(role, right), role == kAdministrator);
  }
}

TEST(Rights, AnApplicantLearnsOfItselfAlone) {
  std::set<std::string> own;
  for (const Right& right : rights()) {
    if (has(kApplicant, right) && !has(kAnybody, right)) own.insert(name(right.method, right.path));
  }
  EXPECT_EQ(own, (std::set<std::string>{"GET /v1/self", "GET /v1/devices",
                                        "POST /v1/devices/{id}/records"}));
}

// --- The second questions

const records::Handle kSurgeon = *records::Handle::parse("surgeon@hospital.example");
const records::Handle kOther = *records::Handle::parse("other@hospital.example");

records::Device device_of(const records::Handle& handle) {
  return {.hash = {},
          .record = {handle, crypto::X25519Identity::generate().recipient(),
                     crypto::SigningKey::generate().verify_key(), records::now()}};
}

Caller caller(Role role) {
  Caller made{.role = role, .principal = Uuid::v7(), .handle = kSurgeon};
  if (role != kMachine) made.device = device_of(kSurgeon);
  return made;
}

TEST(SecondQuestions, AnApplicantKnowsOfItsOwnHandleAlone) {
  EXPECT_TRUE(may_know_of(caller(kApplicant), kSurgeon));
  EXPECT_FALSE(may_know_of(caller(kApplicant), kOther));
  EXPECT_TRUE(may_know_of(caller(kPerson), kOther));
}

TEST(SecondQuestions, StatementsAreAboutOwnDevices) {
  const Caller person = caller(kPerson);
  EXPECT_TRUE(owns(person, kSurgeon, "any"));
  EXPECT_FALSE(owns(person, kOther, person.device->record.signing_key.fingerprint()));
  const Caller applicant = caller(kApplicant);
  EXPECT_TRUE(owns(applicant, kSurgeon, applicant.device->record.signing_key.fingerprint()));
  EXPECT_FALSE(owns(applicant, kSurgeon, "another device of the same handle"));
}

TEST(SecondQuestions, WhoInvitesWhom) {
  using storage::PrincipalKind;
  const Caller person = caller(kPerson);
  EXPECT_TRUE(may_invite(person, kSurgeon, PrincipalKind::kPerson, true));
  EXPECT_TRUE(may_invite(person, kOther, PrincipalKind::kPerson, false));
  EXPECT_FALSE(may_invite(person, kOther, PrincipalKind::kPerson, true))
      << "a person must not let a new device in for somebody else";
  EXPECT_FALSE(may_invite(person, kOther, PrincipalKind::kAdministrator, false));
  EXPECT_FALSE(may_invite(person, kSurgeon, PrincipalKind::kAdministrator, true));
  const Caller administrator = caller(kAdministrator);
  EXPECT_TRUE(may_invite(administrator, kOther, PrincipalKind::kPerson, true));
  EXPECT_TRUE(may_invite(administrator, kOther, PrincipalKind::kAdministrator, false));
  EXPECT_FALSE(may_invite(administrator, kOther, PrincipalKind::kMachine, false));
}

TEST(SecondQuestions, InvitationsAreTheirMakersAndAdministrators) {
  const Caller person = caller(kPerson);
  storage::Invitation invitation{};
  EXPECT_FALSE(may_see(person, invitation)) << "made on the host";
  invitation.made_by = Uuid::v7();
  EXPECT_FALSE(may_see(person, invitation));
  EXPECT_TRUE(may_see(caller(kAdministrator), invitation));
  invitation.made_by = person.principal;
  EXPECT_TRUE(may_see(person, invitation));
}

TEST(SecondQuestions, AMailboxTakesFromItsDepositors) {
  Caller machine = caller(kMachine);
  const storage::Mailbox mailbox{"ct", {}, {*machine.principal}};
  EXPECT_TRUE(may_deposit(machine, mailbox));
  EXPECT_FALSE(may_deposit(caller(kMachine), mailbox));
  EXPECT_FALSE(may_deposit(Caller{}, mailbox));
  EXPECT_FALSE(may_address(machine));
  machine.mailbox = "mr";
  EXPECT_FALSE(may_deposit(machine, mailbox)) << "its token is for another mailbox";
  machine.mailbox = "ct";
  EXPECT_TRUE(may_deposit(machine, mailbox));
}

TEST(SecondQuestions, ADeliveryIsItsSendersAndItsRecipients) {
  const Caller sender = caller(kPerson);
  const Caller recipient = caller(kPerson);
  const storage::Audience audience{*sender.principal,
                                   {recipient.device->record.recipient.text()},
                                   storage::DeliveryState::kClosed,
                                   1};
  EXPECT_TRUE(sends(sender, audience));
  EXPECT_FALSE(sends(recipient, audience));
  EXPECT_TRUE(receives(recipient, audience));
  EXPECT_FALSE(receives(sender, audience)) << "by this device";
  EXPECT_TRUE(sends_or_receives(recipient, audience));
  EXPECT_FALSE(sends_or_receives(caller(kPerson), audience));
  EXPECT_FALSE(sends_or_receives(Caller{}, audience));
}

}  // namespace
}  // namespace letterbox::gateway
