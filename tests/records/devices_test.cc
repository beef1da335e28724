// The rules of records/devices.h, one by one.
#include "records/devices.h"

#include <gtest/gtest.h>

#include "tests/records/people.h"

namespace letterbox::records {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// Ada's first device is in.
class DevicesTest : public testing::Test {
 protected:
  DevicesTest() { acceptor.accept(first.envelope, kStart); }

  /// Accepts a device and the first one's cosignature on it.
  void add(const Somebody& device) {
    acceptor.accept(device.envelope);
    acceptor.accept(first.cosigns(device));
    ASSERT_EQ(acceptor.state(device), DeviceState::kActive);
  }

  static Somebody a_replacement(Time not_before = kStart + hours(24)) {
    return Somebody("ada@clinic.example", not_before);
  }

  const Somebody first;
  Acceptor acceptor;
};

// --- first devices ------------------------------------------------------------------------------

TEST_F(DevicesTest, AFirstDeviceIsActiveAtOnce) {
  const Device device = acceptor.find(first);
  EXPECT_EQ(device.state, DeviceState::kActive);
  EXPECT_EQ(device.entrance, Entrance::kFirst);
  EXPECT_EQ(device.record.signing_key, first.key.verify_key());
  EXPECT_FALSE(device.voucher || device.waits_until || device.revoked);
}

TEST_F(DevicesTest, OfTwoFirstDevicesTheOneAcceptedFirstIs) {
  const Somebody second;
  acceptor.accept(second.envelope);
  EXPECT_EQ(acceptor.state(first), DeviceState::kActive);
  EXPECT_EQ(acceptor.state(second), DeviceState::kUnvouched);
  EXPECT_EQ(acceptor.find(second).entrance, Entrance::kNone);
}

TEST_F(DevicesTest, WhenTheFirstIsRevokedTheNextIsNoFirstDevice) {
  const Somebody next;
  acceptor.accept(first.revokes(first));
  acceptor.accept(next.envelope);
  EXPECT_EQ(acceptor.state(next), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, NobodyHasNoDevices) {
  EXPECT_TRUE(devices_of(handle("bob@clinic.example"), acceptor.records(),
                         acceptor.gateway.key.verify_key(), kStart)
                  .empty());
}

// --- further devices ----------------------------------------------------------------------------

TEST_F(DevicesTest, AFurtherDeviceIsActiveOnceAnActiveOneCosigns) {
  const Somebody phone;
  acceptor.accept(phone.envelope);
  EXPECT_EQ(acceptor.state(phone), DeviceState::kUnvouched);
  acceptor.accept(first.cosigns(phone));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kActive);
  EXPECT_EQ(acceptor.find(phone).entrance, Entrance::kCosigned);
  EXPECT_EQ(acceptor.find(phone).voucher, first.hash);
}

TEST_F(DevicesTest, AChainLeadsBackToTheFirst) {
  const Somebody phone;
  const Somebody tablet;
  add(phone);
  acceptor.accept(tablet.envelope);
  acceptor.accept(phone.cosigns(tablet));
  EXPECT_EQ(acceptor.find(tablet).voucher, phone.hash);
  EXPECT_EQ(acceptor.find(phone).voucher, first.hash);
  EXPECT_EQ(acceptor.find(first).entrance, Entrance::kFirst);
}

TEST_F(DevicesTest, ACosignatureAheadOfItsDeviceIsNothing) {
  const Somebody phone;
  acceptor.accept(first.cosigns(phone));
  acceptor.accept(phone.envelope);
  EXPECT_EQ(acceptor.state(phone), DeviceState::kUnvouched);
}

// Found by the property test: Ada's tablet was revoked, and became active again when the record of
// a phone came that had been vouched for and spoken before.
TEST_F(DevicesTest, ADeviceThatComesLateUndoesNothing) {
  const Somebody tablet;
  const Somebody phone;
  add(tablet);
  acceptor.accept(first.cosigns(phone));
  acceptor.accept(phone.revokes(first));
  acceptor.accept(first.revokes(tablet));
  acceptor.accept(phone.envelope);
  EXPECT_EQ(acceptor.state(first), DeviceState::kActive);
  EXPECT_EQ(acceptor.state(tablet), DeviceState::kRevoked);
}

TEST_F(DevicesTest, TheFirstCosignatureIsTheOneThatVouched) {
  const Somebody phone;
  const Somebody tablet;
  add(phone);
  add(tablet);
  acceptor.accept(phone.cosigns(tablet));
  EXPECT_EQ(acceptor.state(tablet), DeviceState::kActive);
  EXPECT_EQ(acceptor.find(tablet).voucher, first.hash);
}

TEST_F(DevicesTest, ADeviceDoesNotCosignItself) {
  const Somebody stranger;
  acceptor.accept(stranger.envelope);
  acceptor.accept(stranger.cosigns(stranger));
  EXPECT_EQ(acceptor.state(stranger), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, ACircleVouchesForNobody) {
  const Somebody one;
  const Somebody two;
  acceptor.accept(one.envelope);
  acceptor.accept(two.envelope);
  acceptor.accept(one.cosigns(two));
  acceptor.accept(two.cosigns(one));
  acceptor.accept(one.cosigns(two));
  EXPECT_EQ(acceptor.state(one), DeviceState::kUnvouched);
  EXPECT_EQ(acceptor.state(two), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, AnUnvouchedDeviceVouchesForNobodyNotEvenOnceItIsVouchedFor) {
  const Somebody phone;
  const Somebody tablet;
  acceptor.accept(phone.envelope);
  acceptor.accept(tablet.envelope);
  acceptor.accept(phone.cosigns(tablet));
  acceptor.accept(first.cosigns(phone));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kActive);
  EXPECT_EQ(acceptor.state(tablet), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, AnotherHandlesDeviceVouchesForNobodyHere) {
  const Somebody bob("bob@clinic.example");
  const Somebody phone;
  acceptor.accept(bob.envelope);
  acceptor.accept(phone.envelope);
  acceptor.accept(bob.cosigns(phone));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kUnvouched);
  EXPECT_EQ(acceptor.devices().size(), 2U);  // Bob's isn't listed
}

TEST_F(DevicesTest, ACosignatureOfAnotherHandlesDeviceMakesItNobodysHere) {
  const Somebody bob("bob@clinic.example");
  acceptor.accept(bob.envelope);
  acceptor.accept(first.cosigns(bob));
  EXPECT_EQ(acceptor.devices().size(), 1U);
}

TEST_F(DevicesTest, TheGatewayVouchesForNobody) {
  const Somebody phone;
  acceptor.accept(phone.envelope);
  acceptor.accept(acceptor.gateway.cosigns(phone));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kUnvouched);
}

// --- replacement first devices ------------------------------------------------------------------

TEST_F(DevicesTest, AReplacementWaitsUntilItsNotBefore) {
  const Somebody replacement = a_replacement(kStart + hours(48));
  acceptor.accept(replacement.envelope);
  EXPECT_EQ(acceptor.find(replacement).waits_until, kStart + hours(48));
  EXPECT_EQ(acceptor.state(replacement, kStart + hours(48) - seconds(1)), DeviceState::kWaiting);
  const Device device = acceptor.find(replacement, kStart + hours(48));
  EXPECT_EQ(device.state, DeviceState::kActive);
  EXPECT_EQ(device.entrance, Entrance::kReplacement);
  EXPECT_FALSE(device.waits_until || device.voucher);
  EXPECT_EQ(acceptor.state(first, kStart + hours(48)), DeviceState::kActive);
}

TEST_F(DevicesTest, AReplacementThatWritesOldTimesWaitsFromItsAcceptance) {
  const Somebody replacement = a_replacement(kStart + seconds(1));
  const Time accepted = kStart + hours(100);
  acceptor.accept(replacement.envelope, accepted);
  EXPECT_EQ(acceptor.find(replacement).waits_until, accepted + kReplacementWait);
  EXPECT_EQ(acceptor.state(replacement, accepted + kReplacementWait - seconds(1)),
            DeviceState::kWaiting);
  EXPECT_EQ(acceptor.state(replacement, accepted + kReplacementWait), DeviceState::kActive);
}

TEST_F(DevicesTest, TheShortestWaitIsTheCallersChoiceButNotBeforeHoldsAlways) {
  const Somebody replacement = a_replacement(kStart + seconds(10));
  acceptor.accept(replacement.envelope, kStart);
  const auto state = [&](Time at, seconds wait) {
    return devices_of(handle("ada@clinic.example"), acceptor.records(),
                      acceptor.gateway.key.verify_key(), at, wait)
        .at(1)
        .state;
  };
  EXPECT_EQ(state(kStart + seconds(9), seconds(0)), DeviceState::kWaiting);
  EXPECT_EQ(state(kStart + seconds(10), seconds(0)), DeviceState::kActive);
  EXPECT_EQ(state(kStart + seconds(10), seconds(11)), DeviceState::kWaiting);
}

TEST_F(DevicesTest, AnAcceptorWhoseClockIsAheadEndsNoWait) {
  const Somebody replacement = a_replacement();
  acceptor.accept(replacement.envelope);
  acceptor.accept(Somebody().envelope, kStart + hours(1000));
  acceptor.accept(replacement.revokes(first));
  EXPECT_EQ(acceptor.state(replacement, kStart + hours(1)), DeviceState::kWaiting);
  EXPECT_EQ(acceptor.state(first, kStart + hours(1)), DeviceState::kActive);
}

TEST_F(DevicesTest, AReplacementWithoutNotBeforeIsRefused) {
  const Somebody replacement;
  acceptor.accept(first.revokes(first));
  acceptor.accept(replacement.envelope);
  EXPECT_EQ(acceptor.state(replacement, kStart + hours(1000)), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, AReplacementIsActiveAtOnceIfAnActiveDeviceCosigns) {
  const Somebody replacement = a_replacement();
  acceptor.accept(replacement.envelope);
  acceptor.accept(first.cosigns(replacement));
  const Device device = acceptor.find(replacement);
  EXPECT_EQ(device.state, DeviceState::kActive);
  EXPECT_EQ(device.entrance, Entrance::kCosigned);
  EXPECT_EQ(device.voucher, first.hash);
  EXPECT_FALSE(device.waits_until);
}

TEST_F(DevicesTest, AnActiveDeviceVetoesAReplacement) {
  const Somebody replacement = a_replacement();
  acceptor.accept(replacement.envelope);
  acceptor.accept(first.revokes(replacement));
  const Device device = acceptor.find(replacement, kStart + hours(1000));
  EXPECT_EQ(device.state, DeviceState::kRevoked);
  EXPECT_EQ(device.entrance, Entrance::kNone);
  EXPECT_FALSE(device.waits_until);
}

TEST_F(DevicesTest, AVetoIsFinalAgainstCosigning) {
  const Somebody phone;
  const Somebody replacement = a_replacement();
  add(phone);
  acceptor.accept(replacement.envelope);
  acceptor.accept(first.revokes(replacement));
  acceptor.accept(phone.cosigns(replacement));
  EXPECT_EQ(acceptor.state(replacement), DeviceState::kRevoked);
}

TEST_F(DevicesTest, AWaitingDeviceVouchesForNobodyNotEvenOnceItIsActive) {
  const Somebody replacement = a_replacement();
  const Somebody phone;
  acceptor.accept(replacement.envelope);
  acceptor.accept(phone.envelope);
  acceptor.accept(replacement.cosigns(phone));
  EXPECT_EQ(acceptor.state(phone, kStart + hours(1000)), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, AWaitingDeviceRevokesNobodyNotEvenOnceItIsActive) {
  const Somebody replacement = a_replacement();
  acceptor.accept(replacement.envelope);
  acceptor.accept(replacement.revokes(first));
  EXPECT_EQ(acceptor.state(first), DeviceState::kActive);
  EXPECT_EQ(acceptor.state(replacement, kStart + hours(1000)), DeviceState::kActive);
  EXPECT_EQ(acceptor.state(first, kStart + hours(1000)), DeviceState::kActive);
}

TEST_F(DevicesTest, OnceActiveAReplacementCosignsAndRevokes) {
  const Somebody replacement = a_replacement();
  const Somebody phone;
  acceptor.accept(replacement.envelope, kStart);
  acceptor.accept(phone.envelope);
  acceptor.accept(replacement.cosigns(phone), kStart + hours(24));
  acceptor.accept(replacement.revokes(first));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kActive);
  EXPECT_EQ(acceptor.find(phone).voucher, replacement.hash);
  EXPECT_EQ(acceptor.state(first), DeviceState::kRevoked);
}

TEST_F(DevicesTest, ARecordThatComesAgainDoesNotWaitAgain) {
  const Somebody replacement = a_replacement();
  acceptor.accept(replacement.envelope);
  acceptor.accept(replacement.envelope, kStart + hours(23));
  EXPECT_EQ(acceptor.devices().size(), 2U);
  EXPECT_EQ(acceptor.state(replacement, kStart + hours(25)), DeviceState::kActive);
}

// --- revocations --------------------------------------------------------------------------------

TEST_F(DevicesTest, AnActiveDeviceRevokesAnother) {
  const Somebody phone;
  add(phone);
  acceptor.accept(phone.revokes(first));
  const Device device = acceptor.find(first);
  EXPECT_EQ(device.state, DeviceState::kRevoked);
  EXPECT_EQ(device.entrance, Entrance::kFirst);
  ASSERT_TRUE(device.revoked);
  EXPECT_EQ(device.revoked->revoked_by, RevokedBy::kDevice);
  EXPECT_EQ(device.revoked->signing_key, phone.key.verify_key());
  EXPECT_EQ(acceptor.state(phone), DeviceState::kActive);
}

TEST_F(DevicesTest, ADeviceRevokesItselfEvenUnvouched) {
  const Somebody phone;
  acceptor.accept(phone.envelope);
  acceptor.accept(phone.revokes(phone));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kRevoked);
}

TEST_F(DevicesTest, TheGatewayRevokesForAnAdministrator) {
  acceptor.accept(acceptor.gateway.revokes(first, RevokedBy::kGateway));
  EXPECT_EQ(acceptor.state(first), DeviceState::kRevoked);
  EXPECT_EQ(acceptor.find(first).revoked->revoked_by, RevokedBy::kGateway);
}

TEST_F(DevicesTest, TheGatewayDoesNotRevokeAsADeviceNorADeviceAsTheGateway) {
  const Somebody phone;
  add(phone);
  acceptor.accept(acceptor.gateway.revokes(phone, RevokedBy::kDevice));
  acceptor.accept(first.revokes(phone, RevokedBy::kGateway));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kActive);
}

TEST_F(DevicesTest, AStrangerRevokesNobody) {
  const Somebody stranger;
  const Somebody bob("bob@clinic.example");
  acceptor.accept(stranger.envelope);
  acceptor.accept(bob.envelope);
  for (const Somebody* who : {&stranger, &bob}) {
    acceptor.accept(who->revokes(first));
    acceptor.accept(who->revokes(first, RevokedBy::kGateway));
  }
  EXPECT_EQ(acceptor.state(first), DeviceState::kActive);
}

TEST_F(DevicesTest, ARevokedDevicesLaterCosignaturesAreNothingWhateverTimeTheyClaim) {
  const Somebody phone;
  const Somebody thief;
  add(phone);
  acceptor.accept(first.revokes(phone));
  acceptor.accept(thief.envelope);
  acceptor.accept(phone.cosigns(thief));  // created: kStart, long before the revocation
  EXPECT_EQ(acceptor.state(thief), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, ARevokedDevicesEarlierCosignaturesStand) {
  const Somebody phone;
  const Somebody tablet;
  add(phone);
  acceptor.accept(tablet.envelope);
  acceptor.accept(phone.cosigns(tablet));
  acceptor.accept(first.revokes(phone));
  EXPECT_EQ(acceptor.state(phone), DeviceState::kRevoked);
  EXPECT_EQ(acceptor.state(tablet), DeviceState::kActive);
  EXPECT_EQ(acceptor.find(tablet).voucher, phone.hash);
}

TEST_F(DevicesTest, ARevokedDevicesLaterRevocationsAreNothing) {
  const Somebody phone;
  add(phone);
  acceptor.accept(first.revokes(phone));
  acceptor.accept(phone.revokes(first));
  EXPECT_EQ(acceptor.state(first), DeviceState::kActive);
}

TEST_F(DevicesTest, ARevocationCountsThoughItsDeviceIsAcceptedLater) {
  const Somebody replacement = a_replacement();
  acceptor.accept(first.revokes(replacement));
  acceptor.accept(replacement.envelope);
  EXPECT_EQ(acceptor.state(replacement, kStart + hours(1000)), DeviceState::kRevoked);
}

TEST_F(DevicesTest, RevokingIsFinal) {
  const Somebody phone;
  add(phone);
  acceptor.accept(first.revokes(phone));
  acceptor.accept(first.cosigns(phone));
  acceptor.accept(phone.envelope);
  EXPECT_EQ(acceptor.state(phone), DeviceState::kRevoked);
}

TEST_F(DevicesTest, TheKeysOfARevokedDeviceDoNotComeBackInAnotherRecord) {
  const auto stolen = crypto::X25519Identity::generate().recipient();
  const Somebody phone(crypto::SigningKey::generate(), stolen);
  add(phone);
  acceptor.accept(first.revokes(phone));
  const Somebody same_age_key(crypto::SigningKey::generate(), stolen);
  const Somebody same_signing_key(same_key(phone.key),
                                  crypto::X25519Identity::generate().recipient());
  const Somebody same_waiting(same_key(phone.key), stolen, "ada@clinic.example",
                              kStart + hours(24));
  for (const Somebody* again : {&same_age_key, &same_signing_key}) {
    acceptor.accept(again->envelope);
    acceptor.accept(first.cosigns(*again));
    EXPECT_EQ(acceptor.state(*again), DeviceState::kUnvouched);
  }
  acceptor.accept(same_waiting.envelope);
  EXPECT_EQ(acceptor.state(same_waiting, kStart + hours(1000)), DeviceState::kUnvouched);
}

TEST_F(DevicesTest, WhoClaimsAnAgeKeyWithoutBeingVouchedForDoesNotBlockIt) {
  const auto coveted = crypto::X25519Identity::generate().recipient();
  const Somebody thief(crypto::SigningKey::generate(), coveted, "ada@clinic.example",
                       kStart + hours(24));
  const Somebody phone(crypto::SigningKey::generate(), coveted);
  acceptor.accept(thief.envelope);
  add(phone);
  EXPECT_EQ(acceptor.state(thief, kStart + hours(1000)), DeviceState::kUnvouched);
  EXPECT_EQ(acceptor.state(phone, kStart + hours(1000)), DeviceState::kActive);
}

TEST_F(DevicesTest, OfTwoThatWaitWithOneKeyTheOneWhoseTimeIsFirstHasIt) {
  const auto shared = crypto::X25519Identity::generate().recipient();
  const Somebody later(crypto::SigningKey::generate(), shared, "ada@clinic.example",
                       kStart + hours(50));
  const Somebody earlier(crypto::SigningKey::generate(), shared, "ada@clinic.example",
                         kStart + hours(40));
  acceptor.accept(later.envelope);
  acceptor.accept(earlier.envelope);
  EXPECT_EQ(acceptor.state(earlier, kStart + hours(1000)), DeviceState::kActive);
  EXPECT_EQ(acceptor.state(later, kStart + hours(1000)), DeviceState::kUnvouched);
}

// --- what is verified ---------------------------------------------------------------------------

TEST_F(DevicesTest, OnlyVerifiedRecordsAreTaken) {
  const Somebody phone;
  for (Envelope envelope : {phone.envelope, first.cosigns(phone), first.revokes(phone)}) {
    EXPECT_NO_THROW(verify_accepted(envelope, 0, kStart));
    envelope.signature[0] ^= 1;
    EXPECT_EQ(thrown_by([&] { verify_accepted(envelope, 0, kStart); }), ErrorCode::kBadSignature);
  }
  Envelope other = phone.envelope;
  other.payload_type = "application/other";
  EXPECT_EQ(thrown_by([&] { verify_accepted(other, 0, kStart); }), ErrorCode::kBadSignature);
}

TEST_F(DevicesTest, DevicesComeInTheOrderOfAcceptance) {
  const Somebody second;
  const Somebody third;
  acceptor.accept(second.envelope);
  acceptor.accept(third.envelope);
  auto backwards = acceptor.records();
  std::ranges::reverse(backwards);
  const auto devices = devices_of(handle("ada@clinic.example"), backwards,
                                  acceptor.gateway.key.verify_key(), kStart);
  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0].hash, first.hash);
  EXPECT_EQ(devices[1].hash, second.hash);
  EXPECT_EQ(devices[2].hash, third.hash);
}

}  // namespace
}  // namespace letterbox::records
