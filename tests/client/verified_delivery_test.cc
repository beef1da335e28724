// Who a delivery is from and for, after it was shared on. The rules of the chain themselves are
// tested with records/cover_chain.h; here is what a reader makes of them, and by which name it
// refuses.
#include "client/verified_delivery.h"

#include <array>

#include "client/exit_code.h"
#include "tests/client/sharing.h"

namespace letterbox::client {
namespace {

class Chain : public Sharing {
 protected:
  static std::vector<crypto::X25519Recipient> unvouched(const VerifiedDelivery& delivery) {
    std::vector<crypto::X25519Recipient> keys;
    for (const auto& recipient : delivery.chain.unvouched()) keys.push_back(recipient.recipient);
    return keys;
  }
  VerifiedDelivery verify(const std::vector<records::SignedCover>& covers,
                          const std::optional<SeenVersion>& seen = std::nullopt) const {
    return verify_delivery(unverified(covers), trusted, seen);
  }
};

TEST_F(Chain, IsReadToItsLastCover) {
  const auto two = next(one, {&ada, &bob, &carol}, bob);
  const auto three = next(two, {&ada, &carol}, ada);
  const VerifiedDelivery delivery = verify({one, two, three});
  EXPECT_EQ(delivery.chain.first().hash(), one.hash);
  EXPECT_EQ(delivery.chain.former()->hash(), two.hash);
  EXPECT_EQ(delivery.cover().hash(), three.hash);
  EXPECT_EQ(sharers_of(delivery.chain),
            (std::vector<std::string>{"bob@clinic.example", "ada@clinic.example"}));
  EXPECT_EQ(verify({one}).chain.former(), nullptr);
}

TEST_F(Chain, WhoWasDroppedIsToldByWhom) {
  const auto delivery = verify({one, next(one, {&ada}, ada)});
  EXPECT_NO_THROW(check_listed(delivery.chain, std::array{ada.identity.recipient()}));
  const auto listed = [&](const Device& device) {
    check_listed(delivery.chain, std::array{device.identity.recipient()});
  };
  EXPECT_EQ(refusal(checks::kCoverListsUs, [&] { listed(bob); }), ErrorCode::kNoKeyFits);
  try {
    listed(bob);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("changed by ada@clinic.example"), std::string::npos);
  }
  EXPECT_EQ(exit_code(ErrorCode::kNoKeyFits), ExitCode::kNoKeyFits);
}

TEST_F(Chain, AStrangerWhoTheGatewayAddedHasNoSay) {
  // The gateway lets Eve in, by a version that Eve signs; our user happens to know Eve.
  const auto two = next(one, {&ada, &bob, &eve}, eve);
  EXPECT_EQ(refusal(checks::kCoverChange, [&] { verify({one, two}); }), ErrorCode::kIntegrity);
}

TEST_F(Chain, WhoIsntKnownIsNamedAsAKeyToAskAbout) {
  const Device somebody("bob@clinic.example");
  const auto two = next(one, {&ada, &bob, &carol}, somebody);
  EXPECT_EQ(refusal(checks::kCoverSigner, [&] { verify({one, two}); }), ErrorCode::kUntrustedKey);
  try {
    verify({one, two});
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(somebody.key.verify_key().fingerprint()), std::string::npos);
    EXPECT_NE(message.find("ada@clinic.example or bob@clinic.example"), std::string::npos);
  }
}

TEST_F(Chain, AStrangerWhomTheVersionBeforeListsIsReadAndAnswersForNobody) {
  const Device phone("bob@clinic.example");
  TrustedKeys keys = trusted;
  keys.strangers = {phone.record()};
  const auto two = next(one, {&ada, &bob, &phone}, bob);
  const auto three = next(two, {&ada, &bob, &phone, &carol}, phone);
  const VerifiedDelivery delivery = verify_delivery(unverified({one, two, three}), keys);
  EXPECT_TRUE(delivery.cover().maker_is_stranger());
  EXPECT_EQ(delivery.chain.vouched().hash(), two.hash);
  EXPECT_EQ(unvouched(delivery), std::vector{carol.identity.recipient()});
  EXPECT_EQ(sharers_of(delivery.chain).back(),
            "bob@clinic.example (a device that isn't known here)");
  // Whoever is known and leaves her there answers for her.
  const auto four = next(three, {&ada, &bob, &carol}, ada);
  const VerifiedDelivery later = verify_delivery(unverified({one, two, three, four}), keys);
  EXPECT_EQ(later.chain.vouched().hash(), four.hash);
  EXPECT_TRUE(unvouched(later).empty());
  // Dropped by her and let in again by the stranger, nobody does.
  const auto without = next(three, {&ada, &phone}, ada);
  const auto again = next(without, {&ada, &phone, &carol}, phone);
  EXPECT_EQ(unvouched(verify_delivery(unverified({one, two, three, without, again}), keys)),
            std::vector{carol.identity.recipient()});
}

TEST_F(Chain, AStrangerKeepsToTheRulesAndMakesNoFirstCover) {
  TrustedKeys keys = trusted;
  const Device stranger("bob@clinic.example");
  keys.strangers = {stranger.record()};
  // The record says "bob", and version 1 lists another key of his.
  const auto two = next(one, {&ada, &bob, &stranger}, stranger);
  EXPECT_EQ(refusal(checks::kCoverChange,
                    [&] {
                      verify_delivery(unverified({one, two}), keys);
                    }),
            ErrorCode::kIntegrity);
  keys = {gateway.verify_key(), {bob.record()}, {}, {ada.record()}};
  EXPECT_EQ(refusal(checks::kCoverSigner, [&] { verify_delivery(unverified({one}), keys); }),
            ErrorCode::kUntrustedKey);
}

TEST_F(Chain, WhoWasDroppedHasNoSay) {
  const auto two = next(one, {&ada}, ada);
  const auto three = next(two, {&ada, &bob}, bob);
  EXPECT_EQ(refusal(checks::kCoverChange,
                    [&] {
                      verify({one, two, three});
                    }),
            ErrorCode::kIntegrity);
}

TEST_F(Chain, ARecipientDropsNobodyElse) {
  EXPECT_EQ(refusal(checks::kCoverChange,
                    [&] {
                      verify({one, next(one, {&bob}, bob)});
                    }),
            ErrorCode::kIntegrity);
}

TEST_F(Chain, TheGatewaySharesNothingOn) {
  const auto cover = records::next_cover(one, recipients({&ada, &bob, &eve}), one.cover.created);
  const auto two = records::sign_cover(cover, gateway);
  EXPECT_EQ(refusal(checks::kCoverSigner, [&] { verify({one, two}); }), ErrorCode::kBadSignature);
}

TEST_F(Chain, AnotherKeysSignatureIsRefusedWhateverTheHintSays) {
  auto two = next(one, {&ada, &bob, &carol}, eve);
  two.envelope.key_id = bob.key.verify_key().fingerprint();
  EXPECT_EQ(refusal(checks::kCoverSignature,
                    [&] {
                      verify({one, two});
                    }),
            ErrorCode::kBadSignature);
}

TEST_F(Chain, VersionsFollowEachOther) {
  const auto two = next(one, {&ada, &bob, &carol}, bob);
  const auto three = next(two, {&ada, &carol}, ada);
  for (const auto& covers : std::vector<std::vector<records::SignedCover>>{
           {one, one}, {one, three}, {one, two, two}, {one, three, two}}) {
    EXPECT_EQ(refusal(checks::kCoverVersions, [&] { verify(covers); }), ErrorCode::kIntegrity);
  }
  EXPECT_EQ(refusal(checks::kCoverVersions, [&] { verify({two, three}); }), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(checks::kCoverVersions, [&] { verify({}); }), ErrorCode::kMalformed);
}

TEST_F(Chain, AMakerWhoWasRevokedSinceIsReadAndMarked) {
  const auto two = next(one, {&ada, &bob, &carol}, bob);
  const TrustedKeys later{trusted.gateway, {ada.record()}, {bob.record()}};
  const VerifiedDelivery delivery = verify_delivery(unverified({one, two}), later);
  EXPECT_TRUE(delivery.cover().maker_is_revoked());
  ASSERT_EQ(sharers_of(delivery.chain).size(), 1U);
  EXPECT_NE(sharers_of(delivery.chain)[0].find("revoked"), std::string::npos);
}

// --- No way back

TEST_F(Chain, NeverGoesBackBehindWhatWasSeen) {
  const auto two = next(one, {&ada}, ada);
  const SeenVersion seen{2, two.hash};
  EXPECT_NO_THROW(verify({one, two}, seen));
  EXPECT_NO_THROW(verify({one, two, next(two, {&ada, &carol}, ada)}, seen));
  EXPECT_EQ(refusal(checks::kCoverRollback, [&] { verify({one}, seen); }), ErrorCode::kIntegrity);
  try {
    verify({one}, seen);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("end at version 1"), std::string::npos);
  }
}

TEST_F(Chain, TheVersionThatWasSeenIsInItsPlace) {
  // The sender's device signed two second versions, or two first ones: a gateway can't show both.
  const auto seen = next(one, {&ada}, ada);
  const auto other = next(one, {&ada, &bob, &carol}, ada);
  const auto after = next(other, {&ada, &carol}, ada);
  EXPECT_EQ(refusal(checks::kCoverRollback,
                    [&] {
                      verify({one, other}, SeenVersion{2, seen.hash});
                    }),
            ErrorCode::kIntegrity);
  EXPECT_EQ(refusal(checks::kCoverRollback,
                    [&] {
                      verify({one, other, after}, SeenVersion{2, seen.hash});
                    }),
            ErrorCode::kIntegrity);
  EXPECT_EQ(refusal(checks::kCoverRollback,
                    [&] {
                      verify({one}, SeenVersion{1, seen.hash});
                    }),
            ErrorCode::kIntegrity);
}

}  // namespace
}  // namespace letterbox::client
