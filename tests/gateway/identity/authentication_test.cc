// Who is calling: in-memory store, real signatures.
#include "gateway/identity/authentication.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "gateway/directory/revoke.h"
#include "tests/gateway/identity/people.h"

namespace letterbox::gateway {
namespace {

using namespace std::chrono_literals;
using storage::AuditKind;
using storage::AuditOutcome;

class AuthenticationTest : public testing::Test {
 protected:
  AuthenticationTest() { surgeon.enrol(*store, gateway.verify_key()); }

  Authentication make(AuthenticationOptions options = {.public_url = kPublicUrl}) {
    return Authentication(*store, gateway.verify_key(), std::move(options));
  }

  ErrorCode code(Authentication& asked, const TestRequest& request) {
    try {
      asked.authenticate(request.shown());
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "was taken";
    return ErrorCode::kInternal;
  }
  ErrorCode code(const TestRequest& request) { return code(authentication, request); }

  std::size_t recorded(storage::TenantId of, AuditKind kind) {
    const auto trail = store->audit().read(of, std::nullopt, 1000);
    return static_cast<std::size_t>(std::ranges::count_if(
        trail, [&](const auto& record) { return record.event.kind == kind; }));
  }

  std::unique_ptr<storage::Store> store = storage::open_memory();
  storage::TenantId tenant = store->tenants().make("hospital.example");
  crypto::SigningKey gateway = crypto::SigningKey::generate();
  TestDevice surgeon{"surgeon@hospital.example"};
  Authentication authentication = make();
};

TEST_F(AuthenticationTest, AnActiveDeviceIsItsOwner) {
  const Caller caller = authentication.authenticate(TestRequest{}.sign(surgeon.key).shown());
  EXPECT_EQ(caller.role, Role::kPerson);
  EXPECT_EQ(caller.tenant, tenant);
  EXPECT_EQ(caller.handle, surgeon.handle);
  EXPECT_EQ(caller.device->record.recipient, surgeon.identity.recipient());
  EXPECT_EQ(caller.address, "192.0.2.7");
}

TEST_F(AuthenticationTest, AnAdministratorIsOne) {
  TestDevice admin{"admin@hospital.example"};
  admin.enrol(*store, gateway.verify_key(), storage::PrincipalKind::kAdministrator);
  EXPECT_EQ(authentication.authenticate(TestRequest{}.sign(admin.key).shown()).role,
            Role::kAdministrator);
}

TEST_F(AuthenticationTest, ADeviceThatNothingVouchesForIsAnApplicant) {
  TestDevice second{"surgeon@hospital.example"};
  second.enrol(*store, gateway.verify_key());
  const Caller caller = authentication.authenticate(TestRequest{}.sign(second.key).shown());
  EXPECT_EQ(caller.role, Role::kApplicant);
  EXPECT_EQ(caller.device->state, records::DeviceState::kUnvouched);
}

TEST_F(AuthenticationTest, AReplacementThatWaitsIsAnApplicant) {
  TestDevice replacement{"surgeon@hospital.example"};
  replacement.not_before = records::now() + 25h;
  replacement.enrol(*store, gateway.verify_key());
  const Caller caller = authentication.authenticate(TestRequest{}.sign(replacement.key).shown());
  EXPECT_EQ(caller.role, Role::kApplicant);
  EXPECT_EQ(caller.device->state, records::DeviceState::kWaiting);
}

TEST_F(AuthenticationTest, NothingShownIsRefused) {
  EXPECT_EQ(code(TestRequest{}), ErrorCode::kUnauthenticated);
  EXPECT_EQ(recorded(storage::kGateway, AuditKind::kRefusal), 1U);
}

TEST_F(AuthenticationTest, CertificatesThatTlsRefusedAreRecordedUpToTheLimit) {
  Authentication strict(*store, gateway.verify_key(),
                        {.public_url = kPublicUrl, .rates = {.failures = 3}});
  for (int i = 0; i < 10; ++i) strict.certificate_refused(TestRequest{}.peer);
  strict.certificate_refused({.address = "fe80::1%2", .network = "fe80::", .certificate = {}});
  const auto trail = store->audit().read(storage::kGateway, std::nullopt, 100);
  ASSERT_EQ(trail.size(), 4U);
  for (const auto& [event, peer] :
       {std::pair(trail[0].event, "192.0.2.7"), std::pair(trail[3].event, "fe80::1")}) {
    EXPECT_EQ(event.kind, AuditKind::kRefusal);
    EXPECT_EQ(event.outcome, storage::AuditOutcome::kFailure);
    EXPECT_EQ(event.peer, peer);
  }
}

TEST_F(AuthenticationTest, AKeyOfNobodyIsRefused) {
  EXPECT_EQ(code(TestRequest{}.sign(crypto::SigningKey::generate())), ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, Case120AReplayedRequestIsRefused) {
  const TestRequest request = TestRequest{}.sign(surgeon.key);
  authentication.authenticate(request.shown());
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated);
  // By another gateway process over the same store, too.
  Authentication other = make();
  EXPECT_EQ(code(other, request), ErrorCode::kUnauthenticated);
  EXPECT_EQ(recorded(tenant, AuditKind::kRefusal), 2U);
}

TEST_F(AuthenticationTest, Case121WhatTheSignatureSaysOfTheBodyIsHandedOn) {
  TestRequest request{.method = "POST", .target = "/v1/deliveries", .body = "{}"};
  const Caller caller = authentication.authenticate(request.sign(surgeon.key).shown());
  EXPECT_EQ(caller.announced_body, crypto::sha256(as_bytes("{}")));

  request.sign(surgeon.key).fields["content-digest"] =
      records::content_digest(crypto::sha256(as_bytes("[]")));
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated) << "a digest put in after signing";
}

TEST_F(AuthenticationTest, ABodyThatIsNotSignedIsRefused) {
  TestRequest request = TestRequest{.method = "POST"}.sign(surgeon.key);
  request.body = "{}";
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, Case122AnotherTimeThanNowIsToldAsThat) {
  EXPECT_EQ(code(TestRequest{}.sign(surgeon.key, records::now() + 60s)), ErrorCode::kClockSkew);
  EXPECT_EQ(code(TestRequest{}.sign(surgeon.key, records::now() - 301s)), ErrorCode::kClockSkew);
}

TEST_F(AuthenticationTest, Case123ARevokedDeviceIsRefused) {
  TestDevice second{"surgeon@hospital.example"};
  second.enrol(*store, gateway.verify_key());
  const Caller first = authentication.authenticate(TestRequest{}.sign(surgeon.key).shown());
  const auto filed = store->devices().find_key(second.key_id());
  file_record(*store, gateway.verify_key(), first, filed->device, surgeon.cosign(second));
  EXPECT_EQ(authentication.authenticate(TestRequest{}.sign(second.key).shown()).role,
            Role::kPerson);
  file_record(*store, gateway.verify_key(), first, filed->device, surgeon.revoke(second));
  EXPECT_EQ(code(TestRequest{}.sign(second.key)), ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, ADeviceOfARevokedPrincipalIsRefused) {
  const auto principal = store->principals().find_handle(tenant, "surgeon@hospital.example");
  revoke_principal(*store, tenant, *principal, gateway, {.kind = AuditKind::kRevocation});
  EXPECT_EQ(code(TestRequest{}.sign(surgeon.key)), ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, ARequestForAnotherGatewayIsRefused) {
  EXPECT_EQ(code(TestRequest{}.sign(surgeon.key, records::now(), "https://elsewhere.example")),
            ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, ARequestForAnotherResourceOrMethodIsRefused) {
  TestRequest request = TestRequest{}.sign(surgeon.key);
  request.target = "/v1/inbox?limit=1";
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated);
  request = TestRequest{}.sign(surgeon.key);
  request.method = "DELETE";
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, GrammarThatIsNoneIsRefused) {
  TestRequest request = TestRequest{}.sign(surgeon.key);
  request.fields["signature-input"] = "sig=(((";
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated);
}

TEST_F(AuthenticationTest, AfterTooManyFailuresANetworkWaitsAndTheTrailGrowsNoFurther) {
  Authentication strict = make({.public_url = kPublicUrl, .rates = {.failures = 3}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(strict, {}), ErrorCode::kUnauthenticated);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(strict, {}), ErrorCode::kTooManyRequests);
  EXPECT_EQ(recorded(storage::kGateway, AuditKind::kRefusal), 3U);
  // Whoever can sign isn't locked out by his neighbours, and other networks are others.
  EXPECT_EQ(strict.authenticate(TestRequest{}.sign(surgeon.key).shown()).role, Role::kPerson);
  TestRequest elsewhere;
  elsewhere.peer.address = elsewhere.peer.network = "192.0.2.8";
  EXPECT_EQ(code(strict, elsewhere), ErrorCode::kUnauthenticated);
  EXPECT_THROW(strict.allow_guess(TestRequest{}.peer), Error);
}

TEST_F(AuthenticationTest, APrincipalHasARate) {
  Authentication strict = make({.public_url = kPublicUrl, .rates = {.principal = 1}});
  for (int i = 0; i < 10; ++i) strict.authenticate(TestRequest{}.sign(surgeon.key).shown());
  EXPECT_EQ(code(strict, TestRequest{}.sign(surgeon.key)), ErrorCode::kTooManyRequests);
}

TEST_F(AuthenticationTest, ANetworkHasARate) {
  Authentication strict = make({.public_url = kPublicUrl, .rates = {.peer = 1}});
  for (int i = 0; i < 10; ++i) strict.admit(TestRequest{}.peer);
  EXPECT_THROW(strict.admit(TestRequest{}.peer), Error);
}

TEST_F(AuthenticationTest, ALoginIsTheFirstRequestInAWhile) {
  for (int i = 0; i < 3; ++i) authentication.authenticate(TestRequest{}.sign(surgeon.key).shown());
  EXPECT_EQ(recorded(tenant, AuditKind::kLogin), 1U);
}

// --- Machines

class MachineTest : public AuthenticationTest {
 protected:
  MachineTest() {
    const storage::AuditEvent event{.kind = AuditKind::kAdministration};
    pacs = store->principals()
               .make(tenant, "pacs@hospital.example", storage::PrincipalKind::kMachine, event)
               .id;
    store->machines().add_certificate(tenant, pacs, spki, event);
    store->mailboxes().put(tenant, {"ct", {}, {pacs}}, event);
    const auto range = storage::AddressRange::parse("192.0.2.0/24");
    store->machines().add_token(tenant, {token.sha256(), pacs, "ct", range.value()}, event);
  }

  TestRequest with_certificate() const {
    TestRequest request;
    request.peer.certificate = transport::ClientCertificate{spki, "CN=pacs", {}, {}};
    return request;
  }
  TestRequest with_token(const std::string& scheme = "Bearer ") const {
    TestRequest request;
    request.fields["authorization"] = scheme + std::string(token.text().reveal_text());
    return request;
  }

  Uuid pacs = Uuid::v7();
  Digest spki = crypto::sha256(as_bytes("a key"));
  Token token = Token::make();
};

TEST_F(MachineTest, ACertificatesKeyIsItsMachine) {
  const Caller caller = authentication.authenticate(with_certificate().shown());
  EXPECT_EQ(caller.role, Role::kMachine);
  EXPECT_EQ(caller.principal, pacs);
  EXPECT_EQ(caller.handle->text(), "pacs@hospital.example");
  EXPECT_FALSE(caller.mailbox);
}

TEST_F(MachineTest, AVerifiedCertificateOfNoMachineIsRefusedAndRecorded) {
  TestRequest request = with_certificate();
  request.peer.certificate->spki_sha256[0] ^= 1;
  EXPECT_EQ(code(request), ErrorCode::kUnauthenticated);
  EXPECT_EQ(recorded(storage::kGateway, AuditKind::kRefusal), 1U);
}

TEST_F(MachineTest, ARevokedCertificateIsRefusedAtTheNextRequest) {
  authentication.authenticate(with_certificate().shown());
  store->machines().revoke_certificate(tenant, spki, {.kind = AuditKind::kRevocation});
  EXPECT_EQ(code(with_certificate()), ErrorCode::kUnauthenticated);
}

TEST_F(MachineTest, ACertificateGoesBeforeASignature) {
  TestRequest request = with_certificate();
  EXPECT_EQ(authentication.authenticate(request.sign(surgeon.key).shown()).role, Role::kMachine);
}

TEST_F(MachineTest, TokensAreOffUnlessTurnedOn) {
  EXPECT_EQ(code(with_token()), ErrorCode::kUnauthenticated);
}

TEST_F(MachineTest, ATokenIsForItsMailbox) {
  Authentication taking = make({.public_url = kPublicUrl, .machine_tokens = true});
  const Caller caller = taking.authenticate(with_token().shown());
  EXPECT_EQ(caller.role, Role::kMachine);
  EXPECT_EQ(caller.mailbox, "ct");
  EXPECT_EQ(taking.authenticate(with_token("bEARER ").shown()).mailbox, "ct");
}

TEST_F(MachineTest, ATokenFromElsewhereIsRefused) {
  Authentication taking = make({.public_url = kPublicUrl, .machine_tokens = true});
  TestRequest request = with_token();
  request.peer.address = "198.51.100.1";
  EXPECT_EQ(code(taking, request), ErrorCode::kUnauthenticated);
}

TEST_F(MachineTest, GuessingTokensEndsBeforeTheyAreLookedAt) {
  Authentication taking =
      make({.public_url = kPublicUrl, .machine_tokens = true, .rates = {.failures = 2}});
  TestRequest wrong;
  for (int i = 0; i < 2; ++i) {
    wrong.fields["authorization"] = "Bearer " + std::string(Token::make().text().reveal_text());
    EXPECT_EQ(code(taking, wrong), ErrorCode::kUnauthenticated);
  }
  EXPECT_EQ(code(taking, with_token()), ErrorCode::kTooManyRequests) << "even the right one";
}

}  // namespace
}  // namespace letterbox::gateway
