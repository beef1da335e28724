// The rules of succession one by one are held against vectors (format_vectors_test.cc), which an
// independent script made. Here is what stands around them.
#include "records/cover_chain.h"

#include <gtest/gtest.h>

#include "tests/records/people.h"

namespace letterbox::records {
namespace {

CoverRecipient listed(const Somebody& device) {
  return {.handle = device.record.handle,
          .recipient = device.record.recipient,
          .log_index = std::nullopt};
}

class CoverChainTest : public ::testing::Test {
 protected:
  // Version 1, by Ada to herself and Bob.
  SignedCover first() const {
    return sign_cover({.delivery = Uuid::v7(),
                       .version = 1,
                       .previous = std::nullopt,
                       .random = {1, 2, 3},
                       .sender = ada.record.handle,
                       .sealed_by = SealedBy::kDevice,
                       .created = kStart,
                       .expires = kStart + std::chrono::days(30),
                       .recipients = {listed(ada), listed(bob)}},
                      ada.key);
  }

  const Somebody ada{"ada@clinic.example"};
  const Somebody bob{"bob@clinic.example"};
  const Somebody carol{"carol@clinic.example"};
};

TEST_F(CoverChainTest, TheNextCoverFollows) {
  const SignedCover one = first();
  const Time later = kStart + std::chrono::hours(1);
  const Cover next = next_cover(one, {listed(ada), listed(bob), listed(carol)}, later);
  EXPECT_EQ(next.version, 2U);
  EXPECT_EQ(next.previous, one.hash);
  EXPECT_EQ(next.created, later);
  EXPECT_NE(next.random, one.cover.random);
  const SignedCover two = follow(one, sign_cover(next, bob.key).envelope, bob.record);
  EXPECT_EQ(two.cover.keys(), next.keys());
  // And so on: whom version 2 lists may make version 3.
  const Cover third = next_cover(two, {listed(ada), listed(bob)}, later);
  EXPECT_EQ(follow(two, sign_cover(third, carol.key).envelope, carol.record).cover.version, 3U);
}

TEST_F(CoverChainTest, AClockThatIsBehindMakesNoEarlierCover) {
  const SignedCover one = first();
  EXPECT_EQ(next_cover(one, {listed(ada)}, kStart - std::chrono::hours(1)).created, kStart);
}

TEST_F(CoverChainTest, TheSenderNeedNotBeListed) {
  const SignedCover one = first();
  const SignedCover two =
      follow(one, sign_cover(next_cover(one, {listed(bob)}, kStart), ada.key).envelope, ada.record);
  const Cover third = next_cover(two, {listed(carol)}, kStart);
  EXPECT_NO_THROW(follow(two, sign_cover(third, ada.key).envelope, ada.record));
}

// A device record proves that its maker holds the signing key. Whose the age key is, it doesn't.
TEST_F(CoverChainTest, ARecordThatNamesARecipientsKeyMakesNobodyARecipient) {
  const SignedCover one = first();
  const Somebody thief{crypto::SigningKey::generate(), bob.record.recipient, "eve@clinic.example"};
  const Cover next = next_cover(one, {listed(ada), listed(bob), listed(carol)}, kStart);
  EXPECT_EQ(thrown_by([&] { follow(one, sign_cover(next, thief.key).envelope, thief.record); }),
            ErrorCode::kBadSignature);
}

TEST_F(CoverChainTest, EverybodyMayDropTheirOwnDevicesAndOthersOnlyTheSender) {
  const SignedCover one = first();
  const Cover without_bob = next_cover(one, {listed(ada)}, kStart);
  EXPECT_NO_THROW(follow(one, sign_cover(without_bob, bob.key).envelope, bob.record));
  EXPECT_NO_THROW(follow(one, sign_cover(without_bob, ada.key).envelope, ada.record));
  const Cover without_ada = next_cover(one, {listed(bob)}, kStart);
  EXPECT_EQ(thrown_by([&] { follow(one, sign_cover(without_ada, bob.key).envelope, bob.record); }),
            ErrorCode::kNotAllowed);
}

TEST_F(CoverChainTest, AChainEnds) {
  SignedCover last = first();
  while (last.cover.version < kMaxCoverVersions) {
    std::vector<CoverRecipient> to = {listed(ada), listed(bob)};
    if (last.cover.recipients.size() == to.size()) to.push_back(listed(carol));
    last = follow(last, sign_cover(next_cover(last, to, kStart), ada.key).envelope, ada.record);
  }
  const Cover one_more = next_cover(last, {listed(ada)}, kStart);
  EXPECT_EQ(thrown_by([&] { follow(last, sign_cover(one_more, ada.key).envelope, ada.record); }),
            ErrorCode::kConflict);
}

}  // namespace
}  // namespace letterbox::records
