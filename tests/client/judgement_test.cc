#include "client/judgement.h"

#include "tests/records/people.h"

namespace letterbox::client {
namespace {

using records::Acceptor;
using records::kStart;
using records::Somebody;
using std::chrono::hours;
using std::chrono::seconds;

const records::Handle kAda = records::handle("ada@clinic.example");

class JudgementTest : public ::testing::Test {
 protected:
  std::vector<JudgedDevice> judged(records::Time at) const {
    return judge(kAda, directory.records(), {known, revoked}, directory.gateway.key.verify_key(),
                 at);
  }
  // Nothing if the directory has no such device of Ada's.
  std::optional<Standing> standing(const Somebody& who, records::Time at = kLater) const {
    for (const JudgedDevice& one : judged(at))
      if (one.device.hash == who.hash) return one.standing;
    return std::nullopt;
  }

  static constexpr records::Time kLater =
      records::Time(std::chrono::sys_days(std::chrono::year(2026) / 12 / 1));
  Acceptor directory;
  std::vector<records::DeviceRecord> known;
  std::vector<records::DeviceRecord> revoked;
  const Somebody laptop;
  const Somebody phone;
  const Somebody tablet;
};

// --- What is known, and what follows

TEST_F(JudgementTest, APinnedDeviceIsKnown) {
  directory.accept(laptop.envelope);
  known = {laptop.record};
  EXPECT_EQ(standing(laptop), Standing::kPinned);
}

TEST_F(JudgementTest, AFirstDeviceThatNobodyPinnedIsAStranger) {
  directory.accept(laptop.envelope);
  EXPECT_EQ(standing(laptop), Standing::kStranger);
}

TEST_F(JudgementTest, APinnedDeviceIntroducesWhatItCosigned) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  known = {laptop.record};
  EXPECT_EQ(standing(phone), Standing::kIntroduced);
}

TEST_F(JudgementTest, IntroductionsGoOn) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  directory.accept(tablet.envelope);
  directory.accept(phone.cosigns(tablet));
  known = {laptop.record};
  EXPECT_EQ(standing(tablet), Standing::kIntroduced);
}

TEST_F(JudgementTest, IntroductionsDoNotGoBackwards) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  known = {phone.record};
  EXPECT_EQ(standing(phone), Standing::kPinned);
  EXPECT_EQ(standing(laptop), Standing::kStranger);
}

TEST_F(JudgementTest, AChainThatBeginsWithAStrangerIsAStrangers) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  directory.accept(tablet.envelope);
  directory.accept(phone.cosigns(tablet));
  for (const Somebody* one : {&laptop, &phone, &tablet})
    EXPECT_EQ(standing(*one), Standing::kStranger);
}

TEST_F(JudgementTest, ADeviceThatNobodyVouchedForIsUnvouchedEvenIfPinned) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  known = {laptop.record, phone.record};
  EXPECT_EQ(standing(phone), Standing::kUnvouched);
}

TEST_F(JudgementTest, ThePinsOfOthersAreNobodys) {
  const Somebody bobs("bob@clinic.example");
  // The same keys under another name.
  const Somebody posing(records::same_key(bobs.key), bobs.record.recipient);
  directory.accept(posing.envelope);
  known = {bobs.record};
  EXPECT_EQ(standing(posing), Standing::kStranger);
}

TEST_F(JudgementTest, APinnedSigningKeyWithAnotherAgeKeyIsAStranger) {
  const Somebody other(records::same_key(laptop.key),
                       crypto::X25519Identity::generate().recipient());
  directory.accept(other.envelope);
  known = {laptop.record};
  EXPECT_EQ(standing(other), Standing::kStranger);
}

TEST_F(JudgementTest, RecordsOfOtherHandlesArePassedOver) {
  const Somebody bobs("bob@clinic.example");
  directory.accept(laptop.envelope);
  directory.accept(bobs.envelope);
  directory.accept(laptop.cosigns(bobs));
  known = {laptop.record};
  EXPECT_EQ(judged(kLater).size(), 1U);
}

// --- A gateway that lies

TEST_F(JudgementTest, AGhostPutBeforeThePinnedDeviceIsAStranger) {
  const Somebody ghost;
  directory.accept(ghost.envelope);
  directory.accept(laptop.envelope);
  known = {laptop.record};
  EXPECT_EQ(standing(ghost), Standing::kStranger);
  // Which costs the real one its place: so the sender is stopped, and the ghost gets nothing.
  EXPECT_EQ(standing(laptop), Standing::kUnvouched);
}

TEST_F(JudgementTest, AGhostThatVouchesForThePinnedDeviceIsAStrangerStill) {
  const Somebody ghost;
  directory.accept(ghost.envelope);
  directory.accept(laptop.envelope);
  directory.accept(ghost.cosigns(laptop));
  known = {laptop.record};
  EXPECT_EQ(standing(ghost), Standing::kStranger);
  EXPECT_EQ(standing(laptop), Standing::kPinned);
}

TEST_F(JudgementTest, AnEmptyHistoryHasNobody) {
  known = {laptop.record};
  EXPECT_TRUE(judged(kLater).empty());
}

// --- Replacements

TEST_F(JudgementTest, AReplacementWaitsAndIsAStrangerThen) {
  const Somebody replacement("ada@clinic.example", kStart + hours(24));
  directory.accept(laptop.envelope);
  directory.accept(replacement.envelope);
  known = {laptop.record};
  EXPECT_EQ(standing(replacement, kStart + hours(24)), Standing::kWaiting);
  EXPECT_EQ(standing(replacement, kStart + hours(25)), Standing::kStranger);
  EXPECT_EQ(standing(laptop, kStart + hours(25)), Standing::kPinned);
}

TEST_F(JudgementTest, AWaitingReplacementThatAPinnedDeviceConfirmsIsIntroduced) {
  const Somebody replacement("ada@clinic.example", kStart + hours(24));
  directory.accept(laptop.envelope);
  directory.accept(replacement.envelope);
  directory.accept(laptop.cosigns(replacement));
  known = {laptop.record};
  EXPECT_EQ(standing(replacement, kStart + hours(1)), Standing::kIntroduced);
}

TEST_F(JudgementTest, APinDoesNotEndAWait) {
  const Somebody replacement("ada@clinic.example", kStart + hours(24));
  directory.accept(laptop.envelope);
  directory.accept(replacement.envelope);
  known = {laptop.record, replacement.record};
  EXPECT_EQ(standing(replacement, kStart + hours(1)), Standing::kWaiting);
  EXPECT_EQ(standing(replacement, kStart + hours(25)), Standing::kPinned);
}

TEST_F(JudgementTest, AVetoedReplacementIsRevoked) {
  const Somebody replacement("ada@clinic.example", kStart + hours(24));
  directory.accept(laptop.envelope);
  directory.accept(replacement.envelope);
  directory.accept(laptop.revokes(replacement));
  known = {laptop.record};
  EXPECT_EQ(standing(replacement), Standing::kRevoked);
}

TEST_F(JudgementTest, TheSignedTimeHoldsWhateverTheGatewaySaysOfAcceptance) {
  const Somebody replacement("ada@clinic.example", kStart + hours(24));
  directory.accept(laptop.envelope, kStart - hours(100));
  directory.accept(replacement.envelope, kStart - hours(50));
  EXPECT_EQ(standing(replacement, kStart + hours(24) - seconds(1)), Standing::kWaiting);
  EXPECT_EQ(standing(replacement, kStart + hours(24)), Standing::kStranger);
}

TEST_F(JudgementTest, OurClockDecidesAndNotTheGateways) {
  const Somebody replacement("ada@clinic.example", kStart + hours(24));
  directory.accept(laptop.envelope);
  directory.accept(replacement.envelope);
  // By the gateway's clock two days have gone by.
  directory.accept(phone.envelope, kStart + hours(48));
  EXPECT_EQ(standing(replacement, kStart + hours(2)), Standing::kWaiting);
}

// --- Revocations

TEST_F(JudgementTest, APinnedDeviceThatIsRevokedIsNot) {
  directory.accept(laptop.envelope);
  directory.accept(laptop.revokes(laptop));
  known = {laptop.record};
  EXPECT_EQ(standing(laptop), Standing::kRevoked);
}

TEST_F(JudgementTest, AnAdministratorsRevocationCounts) {
  directory.accept(laptop.envelope);
  directory.accept(directory.gateway.revokes(laptop, records::RevokedBy::kGateway));
  known = {laptop.record};
  EXPECT_EQ(standing(laptop), Standing::kRevoked);
}

TEST_F(JudgementTest, WhatADeviceVouchedForBeforeItsRevocationIsIntroduced) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  directory.accept(phone.revokes(laptop));
  known = {laptop.record};
  EXPECT_EQ(standing(laptop), Standing::kRevoked);
  EXPECT_EQ(standing(phone), Standing::kIntroduced);
}

TEST_F(JudgementTest, WhatADeviceVouchesForAfterItsRevocationIsNothing) {
  directory.accept(laptop.envelope);
  directory.accept(laptop.revokes(laptop));
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  known = {laptop.record};
  EXPECT_EQ(standing(phone), Standing::kUnvouched);
}

TEST_F(JudgementTest, ADeviceSeenRevokedStaysSoInAnyHistory) {
  directory.accept(laptop.envelope);
  revoked = {laptop.record};
  EXPECT_EQ(standing(laptop), Standing::kRevoked);
}

TEST_F(JudgementTest, ADeviceSeenRevokedIntroducesNobodyAnyMore) {
  // The gateway and the thief of the laptop put a cosignature before the revocation.
  const Somebody thiefs;
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  directory.accept(thiefs.envelope);
  directory.accept(laptop.cosigns(thiefs));
  directory.accept(phone.revokes(laptop));
  known = {phone.record};
  revoked = {laptop.record};
  EXPECT_EQ(standing(phone), Standing::kPinned);
  EXPECT_EQ(standing(thiefs), Standing::kStranger);
}

TEST_F(JudgementTest, AChainDoesNotLeadThroughADeviceSeenRevoked) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(laptop.cosigns(phone));
  directory.accept(tablet.envelope);
  directory.accept(phone.cosigns(tablet));
  known = {laptop.record};
  revoked = {phone.record};
  EXPECT_EQ(standing(tablet), Standing::kStranger);
}

TEST_F(JudgementTest, DevicesComeInTheOrderOfAcceptance) {
  directory.accept(laptop.envelope);
  directory.accept(phone.envelope);
  directory.accept(tablet.envelope);
  const auto devices = judged(kLater);
  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0].device.hash, laptop.hash);
  EXPECT_EQ(devices[1].device.hash, phone.hash);
  EXPECT_EQ(devices[2].device.hash, tablet.hash);
}

}  // namespace
}  // namespace letterbox::client
