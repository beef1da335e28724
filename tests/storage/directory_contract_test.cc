// What storage's headers promise of the directory, held against both stores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

enum class Kind { kMemory, kPostgres };

std::chrono::sys_seconds in(std::chrono::seconds time) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + time;
}

class DirectoryContract : public ::testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Store> store_ =
      GetParam() == Kind::kMemory ? open_memory()
                                  : open_postgres(options_for(fresh_database(shared_cluster())));
  const TenantId tenant_ = store_->tenants().make("clinic");
  const TenantId nowhere_{Uuid::v7()};
  PrincipalStore& principals_ = store_->principals();
  DeviceStore& devices_ = store_->devices();
  MachineStore& machines_ = store_->machines();
  InvitationStore& invitations_ = store_->invitations();
  MailboxStore& mailboxes_ = store_->mailboxes();
  NonceStore& nonces_ = store_->nonces();
  AuditStore& audit_ = store_->audit();

  Principal principal(const std::string& handle) {
    return some_principal(*store_, tenant_, handle);
  }
  Principal machine(const std::string& handle) {
    return some_principal(*store_, tenant_, handle, PrincipalKind::kMachine);
  }
  NewDevice added(const std::string& handle) {
    principal(handle);
    NewDevice device = some_device(handle);
    devices_.add(tenant_, device, some_event());
    return device;
  }
  NewInvitation invited(const std::string& handle) {
    NewInvitation invitation{some_digest(), handle, PrincipalKind::kPerson, in(1h)};
    invitations_.make(tenant_, invitation, some_event());
    return invitation;
  }
  std::size_t events() { return audit_.read(tenant_, std::nullopt, 1000).size(); }

  // `change` takes an event and returns whether it changed something: then the event is the last of
  // the trail, and only then. Returns the same.
  bool expect_recorded(const std::function<bool(const AuditEvent&)>& change) {
    const AuditEvent event = some_event();
    const std::size_t before = events();
    bool changed = false;
    const auto error = error_of([&] { changed = change(event); });
    const auto trail = audit_.read(tenant_, std::nullopt, 1000);
    const bool done = changed && !error;
    EXPECT_THAT(trail, SizeIs(before + (done ? 1 : 0)));
    if (done) {
      EXPECT_EQ(trail.back().event.object, event.object);
    }
    return done;
  }

  // How many of eight at once succeed.
  template <typename Call>
  int winners(Call&& call) {
    std::atomic<int> won = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        try {
          if (call(t)) ++won;
        } catch (const Error& error) {
          ADD_FAILURE() << error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return won;
  }
};

// --- Tenants and principals ---------------------------------------------------------------------

TEST_P(DirectoryContract, TheGatewaysOwnTenantIsThereAndOthersAreMadeBesideIt) {
  EXPECT_EQ(store_->tenants().find(".gateway"), kGateway);
  EXPECT_EQ(store_->tenants().find("clinic"), tenant_);
  EXPECT_FALSE(store_->tenants().find("Clinic"));
  EXPECT_EQ(error_of([&] { store_->tenants().make("clinic"); }), ErrorCode::kConflict);
  store_->tenants().make("a hospital");
  std::vector<std::string> names;
  for (const Tenant& tenant : store_->tenants().list()) names.push_back(tenant.name);
  EXPECT_THAT(names, ElementsAre(".gateway", "a hospital", "clinic"));
}

TEST_P(DirectoryContract, APrincipalIsFoundByIdAndByHandle) {
  for (const PrincipalKind kind :
       {PrincipalKind::kPerson, PrincipalKind::kMachine, PrincipalKind::kAdministrator}) {
    const std::string handle = "n" + std::to_string(static_cast<int>(kind)) + "@clinic";
    const Principal made = principals_.make(tenant_, handle, kind, some_event());
    for (const auto& found :
         {principals_.find(tenant_, made.id), principals_.find_handle(tenant_, handle)}) {
      ASSERT_TRUE(found);
      EXPECT_EQ(found->id, made.id);
      EXPECT_EQ(found->handle, handle);
      EXPECT_EQ(found->kind, kind);
      EXPECT_EQ(found->created, made.created);
      EXPECT_FALSE(found->revoked);
    }
  }
  EXPECT_THAT(principals_.list(tenant_), SizeIs(3));
  EXPECT_FALSE(principals_.find(tenant_, Uuid::v7()));
  EXPECT_FALSE(principals_.find_handle(tenant_, "nobody@clinic"));
}

TEST_P(DirectoryContract, ATenantThatDoesNotExistHasNothingAndTakesNothing) {
  const auto make = [&] {
    principals_.make(nowhere_, "a@x", PrincipalKind::kPerson, some_event());
  };
  EXPECT_EQ(error_of(make), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { audit_.append(nowhere_, some_event()); }), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { nonces_.claim(nowhere_, "key", "nonce", in(1h)); }),
            ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] {
              mailboxes_.put(nowhere_, {"ward", {}, {}}, some_event());
            }),
            ErrorCode::kNotFound);
  EXPECT_THAT(principals_.list(nowhere_), IsEmpty());
  EXPECT_THAT(audit_.read(nowhere_, std::nullopt, 10), IsEmpty());
}

TEST_P(DirectoryContract, RevokingAPrincipalIsFinalAndItsHandleStaysTaken) {
  const Principal alice = principal("alice@clinic");
  EXPECT_TRUE(principals_.revoke(tenant_, alice.id, some_event()));
  const auto revoked = principals_.find(tenant_, alice.id).value().revoked;
  EXPECT_TRUE(revoked);
  EXPECT_FALSE(principals_.revoke(tenant_, alice.id, some_event()));
  EXPECT_EQ(principals_.find(tenant_, alice.id).value().revoked, revoked);
  EXPECT_EQ(error_of([&] {
              principals_.make(tenant_, "alice@clinic", PrincipalKind::kPerson, some_event());
            }),
            ErrorCode::kConflict);
  EXPECT_EQ(error_of([&] { devices_.add(tenant_, some_device("alice@clinic"), some_event()); }),
            ErrorCode::kConflict);
  EXPECT_EQ(error_of([&] { principals_.revoke(tenant_, Uuid::v7(), some_event()); }),
            ErrorCode::kNotFound);
}

// --- Devices ------------------------------------------------------------------------------------

TEST_P(DirectoryContract, ADeviceIsFoundAsItWasAdded) {
  const Principal alice = principal("alice@clinic");
  NewDevice device = some_device("alice@clinic");
  device.record = std::string("verbatim \0 \xff", 12);
  device.not_before = in(24h);
  devices_.add(tenant_, device, some_event());
  const KeyHolder holder = devices_.find_key(device.key_id).value();
  EXPECT_EQ(holder.tenant, tenant_);
  for (const auto& found :
       {devices_.find_recipient(tenant_, device.recipient), std::optional(holder.device)}) {
    ASSERT_TRUE(found);
    EXPECT_EQ(found->handle, device.handle);
    EXPECT_EQ(found->recipient, device.recipient);
    EXPECT_EQ(found->signing_key, device.signing_key);
    EXPECT_EQ(found->key_id, device.key_id);
    EXPECT_EQ(found->record, device.record);
    EXPECT_EQ(found->not_before, device.not_before);
    EXPECT_EQ(found->principal, alice.id);
    EXPECT_FALSE(found->revoked);
  }
  EXPECT_FALSE(devices_.find_recipient(tenant_, some_recipient()));
  EXPECT_FALSE(devices_.find_key(to_hex(some_digest())));
}

TEST_P(DirectoryContract, ADevicesKeysAreTakenOnce) {
  const NewDevice device = added("alice@clinic");
  principal("bob@clinic");
  NewDevice same_recipient = some_device("bob@clinic");
  same_recipient.recipient = device.recipient;
  NewDevice same_signing_key = some_device("bob@clinic");
  same_signing_key.signing_key = device.signing_key;
  NewDevice same_key_id = some_device("bob@clinic");
  same_key_id.key_id = device.key_id;
  for (const NewDevice& taken : {device, same_recipient, same_signing_key, same_key_id}) {
    EXPECT_EQ(error_of([&] { devices_.add(tenant_, taken, some_event()); }), ErrorCode::kConflict);
  }
  EXPECT_THAT(devices_.list(tenant_), SizeIs(1));
}

TEST_P(DirectoryContract, AKeyLeadsToItsTenantAndTellsWhoHoldsIt) {
  const TenantId other = store_->tenants().make("other");
  const std::vector<PrincipalKind> kinds = {PrincipalKind::kPerson, PrincipalKind::kAdministrator};
  for (const TenantId tenant : {tenant_, other}) {
    for (const PrincipalKind kind : kinds) {
      const NewDevice device = some_device(kind == kinds[0] ? "alice@x" : "root@x");
      const Principal made = some_principal(*store_, tenant, device.handle, kind);
      devices_.add(tenant, device, some_event());
      KeyHolder holder = devices_.find_key(device.key_id).value();
      EXPECT_EQ(holder.tenant, tenant);
      EXPECT_EQ(holder.device.recipient, device.recipient);
      EXPECT_EQ(holder.kind, kind);
      EXPECT_FALSE(holder.principal_revoked);

      principals_.revoke(tenant, made.id, some_event());
      holder = devices_.find_key(device.key_id).value();
      EXPECT_TRUE(holder.principal_revoked);
      EXPECT_FALSE(holder.device.revoked) << "it was the principal that was revoked";
    }
  }
}

TEST_P(DirectoryContract, ASigningKeyBelongsToOneDeviceOfAllTenantsAndAnAgeKeyToOneOfItsTenant) {
  const NewDevice device = added("alice@clinic");
  const TenantId other = store_->tenants().make("other");
  some_principal(*store_, other, "alice@clinic");
  NewDevice same_signing_key = some_device("alice@clinic");
  same_signing_key.signing_key = device.signing_key;
  NewDevice same_key_id = some_device("alice@clinic");
  same_key_id.key_id = device.key_id;
  const NewInvitation invitation{some_digest(), "alice@clinic", PrincipalKind::kPerson, in(1h)};
  invitations_.make(other, invitation, some_event());
  // A revoked one too: old letters are verified with its key.
  devices_.revoke(tenant_, device.recipient, std::nullopt, some_event());
  for (const NewDevice& taken : {device, same_signing_key, same_key_id}) {
    EXPECT_EQ(error_of([&] { devices_.add(other, taken, some_event()); }), ErrorCode::kConflict);
    EXPECT_EQ(
        error_of([&] { invitations_.redeem(other, invitation.token_sha256, taken, some_event()); }),
        ErrorCode::kConflict);
  }
  EXPECT_THAT(devices_.list(other), IsEmpty());
  EXPECT_EQ(devices_.find_key(device.key_id).value().tenant, tenant_);

  NewDevice same_recipient = some_device("alice@clinic");
  same_recipient.recipient = device.recipient;
  EXPECT_TRUE(invitations_.redeem(other, invitation.token_sha256, same_recipient, some_event()));
}

TEST_P(DirectoryContract, ADeviceNeedsItsPrincipal) {
  EXPECT_EQ(error_of([&] { devices_.add(tenant_, some_device("nobody@clinic"), some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(DirectoryContract, DevicesAreListedByHandleThenRecipient) {
  // Upper before lower case, "-" before letters: by bytes, in no language's order.
  const std::vector<std::string> handles = {"B@x", "a-b@x", "a@x", "ab@x"};
  for (auto handle = handles.rbegin(); handle != handles.rend(); ++handle) {
    added(*handle);
    added(*handle);
  }
  const std::vector<Device> all = devices_.list(tenant_);
  ASSERT_THAT(all, SizeIs(8));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].handle, handles[i / 2]);
    if (i % 2 == 1) {
      EXPECT_LT(all[i - 1].recipient, all[i].recipient);
    }
  }
  EXPECT_THAT(devices_.list(tenant_, "a@x"), SizeIs(2));
  EXPECT_THAT(devices_.list(tenant_, "nobody@x"), IsEmpty());
}

TEST_P(DirectoryContract, AllThatWasSignedComesBackInTheOrderOfItsAcceptance) {
  const NewDevice first = added("alice@clinic");
  const NewDevice second = added("alice@clinic");
  const NewDevice bobs = added("bob@clinic");
  devices_.add_record(tenant_, second.recipient, std::string("cosigned \0 \xff", 12), some_event());
  devices_.add_record(tenant_, bobs.recipient, "bob's", some_event());
  const NewDevice third = added("alice@clinic");
  EXPECT_TRUE(devices_.revoke(tenant_, first.recipient, "revoked", some_event()));

  std::vector<std::pair<std::string, std::string>> history;
  for (const AcceptedRecord& filed : devices_.history(tenant_, "alice@clinic")) {
    history.emplace_back(filed.recipient, filed.record);
  }
  using Filed = std::pair<std::string, std::string>;
  EXPECT_THAT(
      history,
      ElementsAre(Filed(first.recipient, first.record), Filed(second.recipient, second.record),
                  Filed(second.recipient, std::string("cosigned \0 \xff", 12)),
                  Filed(third.recipient, third.record), Filed(first.recipient, "revoked")));
  EXPECT_EQ(error_of([&] { devices_.add_record(tenant_, "age1", "x", some_event()); }),
            ErrorCode::kNotFound);
  EXPECT_THAT(devices_.history(tenant_, "nobody@clinic"), IsEmpty());
}

TEST_P(DirectoryContract, RevokingADeviceIsFinalAndKeepsItForOldSignatures) {
  const NewDevice device = added("alice@clinic");
  EXPECT_TRUE(devices_.revoke(tenant_, device.recipient, std::nullopt, some_event()));
  EXPECT_TRUE(devices_.find_key(device.key_id).value().device.revoked);
  EXPECT_FALSE(devices_.revoke(tenant_, device.recipient, "again", some_event()));
  EXPECT_THAT(devices_.history(tenant_, "alice@clinic"), SizeIs(1));
  EXPECT_EQ(error_of([&] { devices_.revoke(tenant_, "age1", "x", some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(DirectoryContract, RecordsThatComeAtOnceEachHaveAPlace) {
  const NewDevice device = added("alice@clinic");
  EXPECT_EQ(winners([&](int t) {
              devices_.add_record(tenant_, device.recipient, std::to_string(t), some_event());
              return true;
            }),
            8);
  EXPECT_THAT(devices_.history(tenant_, "alice@clinic"), SizeIs(9));
}

// --- Machines -----------------------------------------------------------------------------------

TEST_P(DirectoryContract, ACertificateLeadsToItsTenantAndPrincipalUntilEitherIsRevoked) {
  const Principal pacs = machine("pacs@clinic");
  const Digest one = some_digest();
  const Digest other = some_digest();
  machines_.add_certificate(tenant_, pacs.id, one, some_event());
  machines_.add_certificate(tenant_, pacs.id, other, some_event());
  const Machine found = machines_.find_certificate(one).value();
  EXPECT_EQ(found.tenant, tenant_);
  EXPECT_EQ(found.principal, pacs.id);
  EXPECT_EQ(found.handle, pacs.handle);
  EXPECT_FALSE(found.mailbox);
  EXPECT_FALSE(machines_.find_certificate(some_digest()));

  EXPECT_TRUE(machines_.revoke_certificate(tenant_, one, some_event()));
  EXPECT_FALSE(machines_.revoke_certificate(tenant_, one, some_event()));
  EXPECT_FALSE(machines_.find_certificate(one));
  EXPECT_TRUE(machines_.find_certificate(other));
  EXPECT_THAT(machines_.certificates(tenant_), SizeIs(2));

  principals_.revoke(tenant_, pacs.id, some_event());
  EXPECT_FALSE(machines_.find_certificate(other));
}

TEST_P(DirectoryContract, ACertificateBelongsToOneTenantForEver) {
  const Digest spki = some_digest();
  machines_.add_certificate(tenant_, machine("pacs@clinic").id, spki, some_event());
  const TenantId other = store_->tenants().make("other");
  const Principal theirs =
      principals_.make(other, "pacs@other", PrincipalKind::kMachine, some_event());
  const auto add = [&] { machines_.add_certificate(other, theirs.id, spki, some_event()); };
  EXPECT_EQ(error_of(add), ErrorCode::kConflict);
  EXPECT_EQ(error_of([&] { machines_.revoke_certificate(other, spki, some_event()); }),
            ErrorCode::kNotFound);
  machines_.revoke_certificate(tenant_, spki, some_event());
  EXPECT_EQ(error_of(add), ErrorCode::kConflict);
}

TEST_P(DirectoryContract, OnlyAnActiveMachineHasCertificatesAndTokens) {
  mailboxes_.put(tenant_, {"ward", {}, {}}, some_event());
  const auto range = AddressRange::parse("10.0.0.0/8").value();
  const auto add = [&](const Uuid& who) {
    const auto certificate =
        error_of([&] { machines_.add_certificate(tenant_, who, some_digest(), some_event()); });
    EXPECT_EQ(error_of([&] {
                machines_.add_token(tenant_, {some_digest(), who, "ward", range}, some_event());
              }),
              certificate);
    return certificate;
  };
  EXPECT_EQ(add(principal("alice@clinic").id), ErrorCode::kConflict);
  EXPECT_EQ(add(Uuid::v7()), ErrorCode::kNotFound);
  const Uuid pacs = machine("pacs@clinic").id;
  EXPECT_EQ(add(pacs), std::nullopt);
  principals_.revoke(tenant_, pacs, some_event());
  EXPECT_EQ(add(pacs), ErrorCode::kConflict);
}

TEST_P(DirectoryContract, ATokenIsGoodFromItsRangeForItsMailboxUntilRevoked) {
  const Principal pacs = machine("pacs@clinic");
  mailboxes_.put(tenant_, {"ward", {}, {}}, some_event());
  const NewMachineToken token{some_digest(), pacs.id, "ward", *AddressRange::parse("10.0.0.0/8")};
  machines_.add_token(tenant_, token, some_event());
  const Machine found = machines_.find_token(token.sha256, "10.1.2.3").value();
  EXPECT_EQ(found.tenant, tenant_);
  EXPECT_EQ(found.principal, pacs.id);
  EXPECT_EQ(found.handle, pacs.handle);
  EXPECT_EQ(found.mailbox, "ward");
  EXPECT_FALSE(machines_.find_token(token.sha256, "11.1.2.3"));
  EXPECT_FALSE(machines_.find_token(token.sha256, "nonsense"));
  EXPECT_FALSE(machines_.find_token(some_digest(), "10.1.2.3"));
  EXPECT_EQ(machines_.tokens(tenant_).at(0).range.text(), "10.0.0.0/8");
  EXPECT_EQ(error_of([&] { machines_.add_token(tenant_, token, some_event()); }),
            ErrorCode::kConflict);
  NewMachineToken nowhere = token;
  nowhere.sha256 = some_digest();
  nowhere.mailbox = "no such";
  EXPECT_EQ(error_of([&] { machines_.add_token(tenant_, nowhere, some_event()); }),
            ErrorCode::kNotFound);

  EXPECT_TRUE(machines_.revoke_token(tenant_, token.sha256, some_event()));
  EXPECT_FALSE(machines_.revoke_token(tenant_, token.sha256, some_event()));
  EXPECT_FALSE(machines_.find_token(token.sha256, "10.1.2.3"));
}

TEST_P(DirectoryContract, ATokenOutlivesItsMailboxBeingReplacedButNotRemoved) {
  const Principal pacs = machine("pacs@clinic");
  mailboxes_.put(tenant_, {"ward", {}, {}}, some_event());
  const Digest token = some_digest();
  machines_.add_token(tenant_, {token, pacs.id, "ward", *AddressRange::parse("::/0")},
                      some_event());
  mailboxes_.put(tenant_, {"ward", {"a@clinic"}, {}}, some_event());
  EXPECT_TRUE(machines_.find_token(token, "::1"));
  mailboxes_.remove(tenant_, "ward", some_event());
  mailboxes_.put(tenant_, {"ward", {}, {}}, some_event());
  EXPECT_FALSE(machines_.find_token(token, "::1"));
}

// --- Invitations --------------------------------------------------------------------------------

TEST_P(DirectoryContract, AnInvitationLetsOneDeviceInAndMakesItsPrincipal) {
  const Principal maker = principal("admin@clinic");
  const NewInvitation invitation{some_digest(), "alice@clinic", PrincipalKind::kAdministrator,
                                 in(1h), maker.id};
  invitations_.make(tenant_, invitation, some_event());
  const NewDevice device = some_device("alice@clinic");
  const Principal alice =
      invitations_.redeem(tenant_, invitation.token_sha256, device, some_event()).value();
  EXPECT_EQ(alice.handle, "alice@clinic");
  EXPECT_EQ(alice.kind, PrincipalKind::kAdministrator);
  EXPECT_EQ(principals_.find_handle(tenant_, "alice@clinic").value().id, alice.id);
  EXPECT_EQ(devices_.find_key(device.key_id).value().device.principal, alice.id);
  EXPECT_EQ(audit_.read(tenant_, std::nullopt, 100).back().event.principal, alice.id);

  const Invitation used = invitations_.list(tenant_).at(0);
  EXPECT_EQ(used.token_sha256, invitation.token_sha256);
  EXPECT_EQ(used.made_by, maker.id);
  EXPECT_EQ(used.expires, invitation.expires);
  EXPECT_TRUE(used.redeemed);
  EXPECT_EQ(used.redeemed_by, device.key_id);
}

TEST_P(DirectoryContract, AnInvitationThatCanNotBeRedeemedChangesNothingWhateverTheReason) {
  const auto refused = [&](const Digest& token, const std::string& handle) {
    const std::size_t before = events();
    const NewDevice device = some_device(handle);
    EXPECT_FALSE(invitations_.redeem(tenant_, token, device, some_event()));
    EXPECT_FALSE(devices_.find_key(device.key_id));
    EXPECT_EQ(events(), before);
  };
  refused(some_digest(), "alice@clinic");  // unknown

  const Digest good = invited("alice@clinic").token_sha256;
  refused(good, "mallory@clinic");  // another's
  EXPECT_FALSE(principals_.find_handle(tenant_, "mallory@clinic"));
  EXPECT_TRUE(invitations_.redeem(tenant_, good, some_device("alice@clinic"), some_event()));
  refused(good, "alice@clinic");  // used

  const NewInvitation expired{some_digest(), "carol@clinic", PrincipalKind::kPerson, in(-1s)};
  invitations_.make(tenant_, expired, some_event());
  refused(expired.token_sha256, "carol@clinic");
  EXPECT_FALSE(principals_.find_handle(tenant_, "carol@clinic"));

  machine("pacs@clinic");
  refused(invited("pacs@clinic").token_sha256, "pacs@clinic");  // another kind

  const Digest late = invited("dave@clinic").token_sha256;
  principals_.revoke(tenant_, principal("dave@clinic").id, some_event());
  refused(late, "dave@clinic");  // a revoked principal
}

TEST_P(DirectoryContract, AnInvitationForSomebodyKnownAddsADeviceToThem) {
  const NewDevice first = added("alice@clinic");
  const auto alice = invitations_.redeem(tenant_, invited("alice@clinic").token_sha256,
                                         some_device("alice@clinic"), some_event());
  EXPECT_EQ(alice.value().id, devices_.find_key(first.key_id).value().device.principal);
  EXPECT_THAT(devices_.list(tenant_, "alice@clinic"), SizeIs(2));
}

TEST_P(DirectoryContract, AnInvitationIsStillGoodAfterADeviceWhoseKeysAreTaken) {
  const NewDevice taken = added("bob@clinic");
  const Digest token = invited("alice@clinic").token_sha256;
  NewDevice device = some_device("alice@clinic");
  device.recipient = taken.recipient;
  EXPECT_EQ(error_of([&] { invitations_.redeem(tenant_, token, device, some_event()); }),
            ErrorCode::kConflict);
  EXPECT_FALSE(principals_.find_handle(tenant_, "alice@clinic"));
  EXPECT_TRUE(invitations_.redeem(tenant_, token, some_device("alice@clinic"), some_event()));
}

TEST_P(DirectoryContract, OfManyWhoRedeemOneInvitationOneGetsIn) {
  for (int round = 0; round < 5; ++round) {
    const std::string handle = "n" + std::to_string(round) + "@clinic";
    const Digest token = invited(handle).token_sha256;
    EXPECT_EQ(
        winners([&](int) {
          return invitations_.redeem(tenant_, token, some_device(handle), some_event()).has_value();
        }),
        1);
    EXPECT_THAT(devices_.list(tenant_, handle), SizeIs(1));
  }
}

TEST_P(DirectoryContract, ManyInvitationsOfOnePersonRedeemedAtOnceMakeOnePrincipal) {
  std::vector<Digest> tokens;
  for (int t = 0; t < 8; ++t) tokens.push_back(invited("alice@clinic").token_sha256);
  EXPECT_EQ(winners([&](int t) {
              return invitations_
                  .redeem(tenant_, tokens[static_cast<std::size_t>(t)], some_device("alice@clinic"),
                          some_event())
                  .has_value();
            }),
            8);
  EXPECT_THAT(principals_.list(tenant_), SizeIs(1));
  EXPECT_THAT(devices_.list(tenant_), SizeIs(8));
}

TEST_P(DirectoryContract, AnInvitationsTokenIsTakenOnceAndItsMakerIsKnown) {
  NewInvitation invitation = invited("alice@clinic");
  EXPECT_EQ(error_of([&] { invitations_.make(tenant_, invitation, some_event()); }),
            ErrorCode::kConflict);
  invitation.token_sha256 = some_digest();
  invitation.made_by = Uuid::v7();
  EXPECT_EQ(error_of([&] { invitations_.make(tenant_, invitation, some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(DirectoryContract, AWithdrawnInvitationLetsNobodyInAndIsListedNoMore) {
  const NewInvitation kept = invited("alice@clinic");
  const NewInvitation withdrawn = invited("alice@clinic");
  const NewInvitation expired{some_digest(), "alice@clinic", PrincipalKind::kPerson, in(-1s)};
  invitations_.make(tenant_, expired, some_event());
  const TenantId other = store_->tenants().make("other");
  EXPECT_FALSE(invitations_.withdraw(other, withdrawn.token_sha256, some_event()));
  for (const Digest& token : {withdrawn.token_sha256, expired.token_sha256}) {
    EXPECT_TRUE(invitations_.withdraw(tenant_, token, some_event()));
    EXPECT_FALSE(invitations_.withdraw(tenant_, token, some_event()));
    EXPECT_FALSE(invitations_.redeem(tenant_, token, some_device("alice@clinic"), some_event()));
  }
  ASSERT_THAT(invitations_.list(tenant_), SizeIs(1));
  EXPECT_EQ(invitations_.list(tenant_)[0].token_sha256, kept.token_sha256);
  EXPECT_FALSE(invitations_.withdraw(tenant_, some_digest(), some_event()));
}

TEST_P(DirectoryContract, ARedeemedInvitationIsNotWithdrawn) {
  const Digest token = invited("alice@clinic").token_sha256;
  invitations_.redeem(tenant_, token, some_device("alice@clinic"), some_event());
  EXPECT_FALSE(invitations_.withdraw(tenant_, token, some_event()));
  EXPECT_THAT(invitations_.list(tenant_), SizeIs(1));
}

TEST_P(DirectoryContract, AnInvitationIsRedeemedOrWithdrawnNeverBoth) {
  for (int round = 0; round < 5; ++round) {
    const std::string handle = "n" + std::to_string(round) + "@clinic";
    const Digest token = invited(handle).token_sha256;
    EXPECT_EQ(
        winners([&](int t) {
          if (t % 2 == 0) return invitations_.withdraw(tenant_, token, some_event());
          return invitations_.redeem(tenant_, token, some_device(handle), some_event()).has_value();
        }),
        1);
    const auto listed = invitations_.list(tenant_);
    const bool redeemed = !listed.empty() && listed.back().token_sha256 == token;
    EXPECT_EQ(devices_.list(tenant_, handle).size(), redeemed ? 1u : 0u);
    if (redeemed) return;  // enough seen
  }
}

// --- Mailboxes ----------------------------------------------------------------------------------

TEST_P(DirectoryContract, AMailboxIsFoundAsItWasPutLast) {
  const Uuid pacs = machine("pacs@clinic").id;
  const Uuid other = machine("ct@clinic").id;
  mailboxes_.put(tenant_, {"ward", {"alice@clinic", "not-yet@clinic"}, {pacs}}, some_event());
  mailboxes_.put(tenant_, {"er", {"bob@clinic"}, {}}, some_event());
  Mailbox found = mailboxes_.find(tenant_, "ward").value();
  EXPECT_THAT(found.recipients, ElementsAre("alice@clinic", "not-yet@clinic"));
  EXPECT_THAT(found.depositors, ElementsAre(pacs));

  mailboxes_.put(tenant_, {"ward", {"carol@clinic"}, {pacs, other}}, some_event());
  found = mailboxes_.find(tenant_, "ward").value();
  EXPECT_EQ(found.name, "ward");
  EXPECT_THAT(found.recipients, ElementsAre("carol@clinic"));
  EXPECT_THAT(found.depositors, SizeIs(2));
  const auto all = mailboxes_.list(tenant_);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].name, "er");
  EXPECT_THAT(all[0].recipients, ElementsAre("bob@clinic"));

  EXPECT_EQ(error_of([&] {
              mailboxes_.put(tenant_, {"ward", {}, {Uuid::v7()}}, some_event());
            }),
            ErrorCode::kNotFound);
  EXPECT_THAT(mailboxes_.find(tenant_, "ward").value().recipients, ElementsAre("carol@clinic"));
  EXPECT_TRUE(mailboxes_.remove(tenant_, "ward", some_event()));
  EXPECT_FALSE(mailboxes_.remove(tenant_, "ward", some_event()));
  EXPECT_FALSE(mailboxes_.find(tenant_, "ward"));
}

// --- Nonces -------------------------------------------------------------------------------------

TEST_P(DirectoryContract, ANonceIsClaimedOnceByEachKeyUntilItExpires) {
  const std::string nonce("n\0\xff", 3);
  EXPECT_TRUE(nonces_.claim(tenant_, "key", nonce, in(1h)));
  EXPECT_FALSE(nonces_.claim(tenant_, "key", nonce, in(1h)));
  EXPECT_TRUE(nonces_.claim(tenant_, "other key", nonce, in(1h)));
  EXPECT_TRUE(nonces_.claim(tenant_, "key", "other nonce", in(-1s)));
  EXPECT_TRUE(nonces_.claim(tenant_, "key", "other nonce", in(1h))) << "the first had expired";
  EXPECT_FALSE(nonces_.claim(tenant_, "key", "other nonce", in(1h)));
}

TEST_P(DirectoryContract, OfManyWhoClaimOneNonceOneGetsIt) {
  for (int round = 0; round < 5; ++round) {
    const std::string nonce = "nonce" + std::to_string(round);
    // Every other one is there already, expired.
    if (round % 2 == 1) nonces_.claim(tenant_, "key", nonce, in(-1s));
    EXPECT_EQ(winners([&](int) { return nonces_.claim(tenant_, "key", nonce, in(1h)); }), 1);
  }
}

TEST_P(DirectoryContract, ASweepOfNoncesTakesExpiredOnesAndNoMoreThanItMay) {
  for (int i = 0; i < 5; ++i) nonces_.claim(tenant_, "key", "old" + std::to_string(i), in(-1s));
  nonces_.claim(tenant_, "key", "new", in(1h));
  EXPECT_EQ(nonces_.sweep(3), 3u);
  EXPECT_EQ(nonces_.sweep(100), 2u);
  EXPECT_EQ(nonces_.sweep(100), 0u);
  EXPECT_FALSE(nonces_.claim(tenant_, "key", "new", in(1h)));
}

// --- Audit --------------------------------------------------------------------------------------

TEST_P(DirectoryContract, AnEventIsReadAsItWasWritten) {
  for (const AuditKind kind :
       {AuditKind::kLogin, AuditKind::kEnrolment, AuditKind::kRevocation, AuditKind::kDeposit,
        AuditKind::kCollect, AuditKind::kRefusal, AuditKind::kAdministration}) {
    const AuditEvent event{.kind = kind,
                           .outcome = AuditOutcome::kFailure,
                           .principal = Uuid::v7(),
                           .device = to_hex(some_digest()),
                           .peer = "2001:db8::1",
                           .object = Uuid::v7()};
    audit_.append(tenant_, event);
    const AuditEvent read = audit_.read(tenant_, std::nullopt, 100).back().event;
    EXPECT_EQ(read.kind, event.kind);
    EXPECT_EQ(read.outcome, event.outcome);
    EXPECT_EQ(read.principal, event.principal);
    EXPECT_EQ(read.device, event.device);
    EXPECT_EQ(read.peer, event.peer);
    EXPECT_EQ(read.object, event.object);
  }
  audit_.append(tenant_, {.kind = AuditKind::kRefusal});
  const AuditEvent bare = audit_.read(tenant_, std::nullopt, 100).back().event;
  EXPECT_EQ(bare.outcome, AuditOutcome::kSuccess);
  EXPECT_FALSE(bare.principal || bare.device || bare.peer || bare.object);
}

TEST_P(DirectoryContract, TheTrailIsReadPageByPage) {
  for (int i = 0; i < 5; ++i) audit_.append(tenant_, some_event());
  const auto all = audit_.read(tenant_, std::nullopt, SIZE_MAX);
  ASSERT_THAT(all, SizeIs(5));
  const auto page = audit_.read(tenant_, all[1].id, 2);
  ASSERT_THAT(page, SizeIs(2));
  EXPECT_EQ(page[0].id, all[2].id);
  EXPECT_EQ(page[1].id, all[3].id);
  EXPECT_THAT(audit_.read(tenant_, all[4].id, 2), IsEmpty());
  EXPECT_THAT(audit_.read(tenant_, std::nullopt, 0), IsEmpty());
  EXPECT_EQ(error_of([&] { audit_.read(tenant_, Uuid::v7(), 2); }), ErrorCode::kNotFound);
}

TEST_P(DirectoryContract, AReaderWhoGoesOnFromTheLastRecordMissesNone) {
  std::atomic<int> writing = 4;
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) audit_.append(tenant_, some_event());
      --writing;
    });
  }
  std::size_t read = 0;
  std::optional<Uuid> last;
  for (bool more = true; more;) {
    more = writing > 0;  // asked before the look, so that the last look sees everything
    for (auto page = audit_.read(tenant_, last, 7); !page.empty();
         page = audit_.read(tenant_, last, 7)) {
      read += page.size();
      last = page.back().id;
    }
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(read, 200u);
}

TEST_P(DirectoryContract, AChangeIsRecordedIfAndOnlyIfItHappens) {
  const Uuid pacs = machine("pacs@clinic").id;
  const Uuid gone = principal("gone@clinic").id;
  const NewDevice device = added("alice@clinic");
  const NewInvitation invitation = invited("bob@clinic");
  const NewInvitation fresh{some_digest(), "carol@clinic", PrincipalKind::kPerson, in(1h)};
  const Digest spki = some_digest();
  const NewMachineToken token{some_digest(), pacs, "ward", *AddressRange::parse("::/0")};
  const NewDevice other = some_device("alice@clinic");
  const std::vector<std::function<bool(const AuditEvent&)>> changes = {
      [&](const auto& event) {
        principals_.make(tenant_, "eve@clinic", PrincipalKind::kPerson, event);
        return true;
      },
      [&](const auto& event) { return principals_.revoke(tenant_, gone, event); },
      [&](const auto& event) { return devices_.add(tenant_, other, event), true; },
      [&](const auto& event) {
        return devices_.add_record(tenant_, device.recipient, "x", event), true;
      },
      [&](const auto& event) { return devices_.revoke(tenant_, device.recipient, "x", event); },
      [&](const auto& event) {
        return mailboxes_.put(tenant_, {"ward", {}, {}}, event), true;
      },
      [&](const auto& event) {
        return machines_.add_certificate(tenant_, pacs, spki, event), true;
      },
      [&](const auto& event) { return machines_.revoke_certificate(tenant_, spki, event); },
      [&](const auto& event) { return machines_.add_token(tenant_, token, event), true; },
      [&](const auto& event) { return machines_.revoke_token(tenant_, token.sha256, event); },
      [&](const auto& event) { return mailboxes_.remove(tenant_, "ward", event); },
      [&](const auto& event) { return invitations_.make(tenant_, fresh, event), true; },
      [&](const auto& event) {
        return invitations_
            .redeem(tenant_, invitation.token_sha256, some_device("bob@clinic"), event)
            .has_value();
      },
      [&](const auto& event) { return invitations_.withdraw(tenant_, fresh.token_sha256, event); },
  };
  AuditEvent unsound = some_event();
  unsound.peer = "192.0.2.1:443";
  for (const auto& change : changes) {
    const std::size_t before = events();
    EXPECT_EQ(error_of([&] { change(unsound); }), ErrorCode::kInternal);
    EXPECT_EQ(events(), before);
    EXPECT_TRUE(expect_recorded(change)) << "what couldn't be recorded was done all the same";
    expect_recorded(change);  // most find it done now, or fail
  }
}

TEST_P(DirectoryContract, AnEventNamesADeviceByItsKeyIdAndAPeerByItsAddress) {
  for (const char* peer : {"192.0.2.1", "::1", "fe80::1", "::ffff:192.0.2.1"}) {
    AuditEvent event = some_event();
    event.peer = peer;
    audit_.append(tenant_, event);
    EXPECT_EQ(audit_.read(tenant_, std::nullopt, 100).back().event.peer, peer);
  }
  const std::size_t before = events();
  for (const std::string& peer :
       {std::string(), std::string("localhost"), std::string("192.0.2"),
        std::string("192.0.2.1/24"), std::string("192.0.2.1:443"), std::string("[::1]"),
        std::string("fe80::1%eth0"), std::string("192.0.2.1\0", 10)}) {
    AuditEvent event = some_event();
    event.peer = peer;
    EXPECT_EQ(error_of([&] { audit_.append(tenant_, event); }), ErrorCode::kInternal) << peer;
  }
  const std::string key_id = to_hex(some_digest());
  for (const std::string& device : {std::string(), key_id.substr(1), key_id + "0",
                                    "G" + key_id.substr(1), "A" + key_id.substr(1)}) {
    AuditEvent event = some_event();
    event.device = device;
    EXPECT_EQ(error_of([&] { audit_.append(tenant_, event); }), ErrorCode::kInternal) << device;
  }
  EXPECT_EQ(events(), before);
}

INSTANTIATE_TEST_SUITE_P(Stores, DirectoryContract,
                         ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         [](const auto& instance) {
                           return instance.param == Kind::kMemory ? "Memory" : "Postgres";
                         });

}  // namespace
}  // namespace letterbox::storage::testing
