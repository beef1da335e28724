#include "client/reading.h"

#include <algorithm>

#include "client/exit_code.h"
#include "crypto/header.h"
#include "crypto/stream.h"
#include "tests/client/fixtures.h"

namespace letterbox::client {
namespace {

VerifiedChain verify_cover(const records::Envelope& envelope, const TrustedKeys& trusted) {
  return {std::span(&envelope, 1), trusted};
}

// Runs `action`, which must be refused by the check of this name.
template <typename Action>
void expect_refused(const char* check, ErrorCode code, Action action) {
  try {
    action();
    ADD_FAILURE() << "nothing was refused; expected the check: " << check;
  } catch (const Refused& refusal) {
    EXPECT_STREQ(refusal.check(), check) << refusal.what();
    EXPECT_EQ(refusal.code(), code) << refusal.what();
    EXPECT_NE(std::string(refusal.what()).find(check), std::string::npos);
  }
}

class Reading : public ::testing::Test {
 protected:
  VerifiedChain verified() const { return verify_cover(cover.envelope, trusted); }

  // What the recipient reads of an age file.
  Bytes open(ByteView age_file, const records::Manifest& described, const Uuid& file) const {
    return open_as(recipient, age_file, described, file);
  }
  Bytes open_as(const Device& reader, ByteView age_file, const records::Manifest& described,
                const Uuid& file) const {
    ViewSource source(age_file, 1000);
    const VerifiedCover by = verified().last();
    OpenedFile opened(source, std::span(&reader.identity, 1), by, &described.files, &file);
    return drain(opened);
  }
  Bytes open(ByteView age_file) const { return open(age_file, manifest, sealed.entry.id); }

  crypto::Header header() const {
    ViewSource source(sealed.age_file);
    Bytes rest;
    return crypto::read_header(source, rest);
  }
  crypto::FileKey file_key() const {
    return crypto::unwrap(header(), std::span(&recipient.identity, 1));
  }
  // The file under other stanzas, with the MAC that somebody who holds the file key can make.
  Bytes with_stanzas(const std::vector<crypto::Stanza>& stanzas) const {
    Bytes file = crypto::format_header(file_key(), stanzas);
    file.insert(file.end(), sealed.age_file.begin() + static_cast<long>(header().bytes.size()),
                sealed.age_file.end());
    return file;
  }
  std::size_t payload_begin() const { return header().bytes.size(); }

  const Device sender{"ada@clinic.example"};
  const Device recipient{"bob@clinic.example"};
  const Device stranger{"eve@elsewhere.example"};
  const crypto::SigningKey gateway = crypto::SigningKey::generate();
  const TrustedKeys trusted{gateway.verify_key(),
                            {sender.record(), recipient.record(), stranger.record()}};
  const records::Cover draft = cover_from(sender, {&recipient, &sender});
  const records::SignedCover cover = records::sign_cover(draft, sender.key);
  const Bytes plaintext = pattern(150'000);
  const SealedFile sealed = seal(cover, plaintext);
  const records::Manifest manifest = manifest_of(cover, {sealed.entry});
  const records::Envelope manifest_envelope = records::sign_manifest(manifest, sender.key);
};

TEST_F(Reading, AnHonestDeliveryOpensForEveryRecipient) {
  const VerifiedDelivery delivery =
      verify_delivery({draft.delivery, {cover.envelope}, manifest_envelope}, trusted);
  EXPECT_EQ(delivery.manifest.files.size(), 1U);
  EXPECT_EQ(open(sealed.age_file), plaintext);
  EXPECT_EQ(open_as(sender, sealed.age_file, manifest, sealed.entry.id), plaintext);
}

TEST_F(Reading, AnEmptyFileOpens) {
  const SealedFile empty = seal(cover, {});
  EXPECT_TRUE(open(empty.age_file, manifest_of(cover, {empty.entry}), empty.entry.id).empty());
}

// --- The cover

TEST_F(Reading, ACoverSignedByAnUnknownKeyIsRefused) {
  const Device unknown("ada@clinic.example");
  const auto forged = records::sign_cover(draft, unknown.key);
  expect_refused(checks::kCoverSigner, ErrorCode::kUntrustedKey,
                 [&] { verify_cover(forged.envelope, trusted); });
}

TEST_F(Reading, ACoverOfADeviceRevokedSinceIsReadAndMarked) {
  EXPECT_FALSE(verify_cover(cover.envelope, trusted).first().maker_is_revoked());
  const TrustedKeys later{trusted.gateway, {}, {sender.record()}};
  const VerifiedChain verified = verify_cover(cover.envelope, later);
  EXPECT_TRUE(verified.first().maker_is_revoked());
  EXPECT_NE(sealer_of(verified).find("revoked"), std::string::npos);
  EXPECT_EQ(sealer_of(verify_cover(cover.envelope, trusted)), "their device");
}

TEST_F(Reading, ACoverUnderAKnownKeyIdAndAnotherKeysSignatureIsRefused) {
  records::Envelope forged = records::sign_cover(draft, stranger.key).envelope;
  forged.key_id = sender.key.verify_key().fingerprint();
  expect_refused(checks::kCoverSignature, ErrorCode::kBadSignature,
                 [&] { verify_cover(forged, trusted); });
}

TEST_F(Reading, AChangedCoverIsRefused) {
  records::Envelope changed = cover.envelope;
  changed.payload[changed.payload.size() / 2] ^= 1;
  expect_refused(checks::kCoverSignature, ErrorCode::kBadSignature,
                 [&] { verify_cover(changed, trusted); });
}

TEST_F(Reading, ACoverInTheNameOfAnotherSenderIsRefused) {
  const auto forged = records::sign_cover(draft, stranger.key);  // says it is Ada's
  expect_refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                 [&] { verify_cover(forged.envelope, trusted); });
}

TEST_F(Reading, TheGatewayCanNotSignForADevice) {
  const auto forged = records::sign_cover(draft, gateway);
  expect_refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                 [&] { verify_cover(forged.envelope, trusted); });
}

TEST_F(Reading, ADeviceCanNotSignForTheGateway) {
  records::Cover at_gateway = draft;
  at_gateway.sealed_by = records::SealedBy::kGateway;
  const auto forged = records::sign_cover(at_gateway, sender.key);
  expect_refused(checks::kCoverSigner, ErrorCode::kBadSignature,
                 [&] { verify_cover(forged.envelope, trusted); });
}

TEST_F(Reading, TheGatewaySignsForWhatItSealed) {
  records::Cover at_gateway = draft;
  at_gateway.sealed_by = records::SealedBy::kGateway;
  const auto made = records::sign_cover(at_gateway, gateway);
  EXPECT_EQ(verify_cover(made.envelope, trusted).first().maker(), gateway.verify_key());
  EXPECT_EQ(thrown_by([&] {
              verify_cover(made.envelope, {std::nullopt, trusted.devices});
            }),
            ErrorCode::kUntrustedKey);
}

TEST_F(Reading, ALaterVersionAloneIsRefused) {
  records::Cover later = draft;
  later.version = 2;
  later.previous = cover.hash;
  const auto made = records::sign_cover(later, sender.key);
  expect_refused(checks::kCoverVersions, ErrorCode::kMalformed,
                 [&] { verify_cover(made.envelope, trusted); });
}

TEST_F(Reading, ACoverOfAnotherDeliveryIsRefused) {
  expect_refused(checks::kCoverDelivery, ErrorCode::kCoverMismatch, [&] {
    verify_delivery({Uuid::v7(), {cover.envelope}, manifest_envelope}, trusted);
  });
}

TEST_F(Reading, ACoverThatListsNoneOfOurKeysMeansThatNoKeyFits) {
  expect_refused(checks::kCoverListsUs, ErrorCode::kNoKeyFits,
                 [&] { open_as(stranger, sealed.age_file, manifest, sealed.entry.id); });
}

// --- The manifest

TEST_F(Reading, AManifestSignedByAnotherDeviceIsRefused) {
  const auto forged = records::sign_manifest(manifest, recipient.key);
  expect_refused(checks::kManifestSignature, ErrorCode::kBadSignature,
                 [&] { verify_manifest(forged, verified()); });
}

TEST_F(Reading, AManifestOfAnotherDeliveryIsRefused) {
  records::Manifest other = manifest;
  other.delivery = Uuid::v7();
  expect_refused(checks::kManifestDelivery, ErrorCode::kIntegrity,
                 [&] { verify_manifest(records::sign_manifest(other, sender.key), verified()); });
}

TEST_F(Reading, AManifestThatNamesAnotherCoverIsRefused) {
  records::Manifest other = manifest;
  other.cover[0] ^= 1;
  expect_refused(checks::kManifestCover, ErrorCode::kIntegrity,
                 [&] { verify_manifest(records::sign_manifest(other, sender.key), verified()); });
}

TEST_F(Reading, AFileThatTheManifestDoesNotListIsRefused) {
  expect_refused(checks::kManifestFile, ErrorCode::kIntegrity,
                 [&] { open(sealed.age_file, manifest, Uuid::v7()); });
}

// --- The header

TEST_F(Reading, EveryFlippedHeaderByteIsRefused) {
  for (std::size_t i = 0; i < payload_begin(); ++i) {
    Bytes file = sealed.age_file;
    file[i] ^= 1;
    const auto code = thrown_by([&] { open(file); });
    ASSERT_TRUE(code) << "byte " << i;
    EXPECT_EQ(exit_code(*code), ExitCode::kIntegrity) << "byte " << i;
  }
}

TEST_F(Reading, AHeaderWithoutEndIsRefused) {
  Bytes file = sealed.age_file;
  file.resize(payload_begin() / 2);
  expect_refused(checks::kHeaderFormat, ErrorCode::kMalformed, [&] { open(file); });
  const std::string endless = "age-encryption.org/v1\n-> X25519 " + std::string(1'000'000, 'A');
  expect_refused(checks::kHeaderFormat, ErrorCode::kMalformed, [&] { open(as_bytes(endless)); });
}

TEST_F(Reading, AHeaderUnderAnotherCoverIsRefused) {
  records::Cover other = draft;
  other.random = {9};
  const SealedFile file = seal(records::sign_cover(other, sender.key), plaintext);
  expect_refused(checks::kHeaderCover, ErrorCode::kCoverMismatch, [&] { open(file.age_file); });
}

TEST_F(Reading, AnX25519StanzaMoreIsRefused) {
  auto stanzas = header().stanzas;
  stanzas.push_back(stranger.identity.recipient().wrap(file_key(), Secret<32>()));
  expect_refused(checks::kHeaderRebuilt, ErrorCode::kIntegrity,
                 [&] { open(with_stanzas(stanzas)); });
}

TEST_F(Reading, AnSshStanzaMoreIsRefused) {
  auto stanzas = header().stanzas;
  stanzas.push_back({{"ssh-ed25519", "AAAAAA", std::string(43, 'A')}, pattern(32)});
  expect_refused(checks::kHeaderRebuilt, ErrorCode::kIntegrity,
                 [&] { open(with_stanzas(stanzas)); });
}

TEST_F(Reading, AnotherRecipientsStanzaReplacedByAStrangersIsRefused) {
  auto stanzas = header().stanzas;
  stanzas[2] = stranger.identity.recipient().wrap(file_key(), Secret<32>());
  expect_refused(checks::kHeaderRebuilt, ErrorCode::kIntegrity,
                 [&] { open(with_stanzas(stanzas)); });
}

TEST_F(Reading, OurOwnStanzaReplacedByAStrangersIsAnIntegrityFailure) {
  auto stanzas = header().stanzas;
  stanzas[1] = stranger.identity.recipient().wrap(file_key(), Secret<32>());
  expect_refused(checks::kFileKey, ErrorCode::kIntegrity, [&] { open(with_stanzas(stanzas)); });
}

TEST_F(Reading, StanzasInAnotherOrderAreRefused) {
  auto stanzas = header().stanzas;
  std::swap(stanzas[1], stanzas[2]);
  expect_refused(checks::kHeaderRebuilt, ErrorCode::kIntegrity,
                 [&] { open(with_stanzas(stanzas)); });
}

TEST_F(Reading, ARecipientTwiceIsRefused) {
  auto stanzas = header().stanzas;
  stanzas.push_back(stanzas[1]);
  expect_refused(checks::kHeaderRebuilt, ErrorCode::kIntegrity,
                 [&] { open(with_stanzas(stanzas)); });
}

TEST_F(Reading, AWrongMacIsRefused) {
  auto stanzas = header().stanzas;
  Bytes file = crypto::format_header(crypto::random_file_key(), stanzas);
  file.insert(file.end(), sealed.age_file.begin() + static_cast<long>(payload_begin()),
              sealed.age_file.end());
  expect_refused(checks::kFileKey, ErrorCode::kIntegrity, [&] { open(file); });
}

// --- The payload

TEST_F(Reading, AFlippedPayloadByteIsRefused) {
  const std::size_t begin = payload_begin();
  for (const std::size_t place :
       {begin, begin + 15, begin + 16, begin + 70'000, sealed.age_file.size() - 1}) {
    Bytes file = sealed.age_file;
    file[place] ^= 0x80;
    expect_refused(place < begin + 16 ? checks::kPayloadNonce : checks::kPayload,
                   ErrorCode::kIntegrity, [&] { open(file); });
  }
}

TEST_F(Reading, AShorterPayloadIsRefused) {
  const std::size_t chunk = crypto::kSealedChunkSize;
  for (const std::size_t cut : {std::size_t{1}, sealed.age_file.size() - payload_begin() - 16,
                                (sealed.age_file.size() - payload_begin() - 16) % chunk}) {
    Bytes file = sealed.age_file;
    file.resize(file.size() - cut);
    expect_refused(checks::kPayload, ErrorCode::kIntegrity, [&] { open(file); });
  }
}

TEST_F(Reading, SwappedChunksAreRefused) {
  Bytes file = sealed.age_file;
  const auto first = file.begin() + static_cast<long>(payload_begin() + 16);
  const auto second = first + crypto::kSealedChunkSize;
  std::swap_ranges(first, second, second);
  expect_refused(checks::kPayload, ErrorCode::kIntegrity, [&] { open(file); });
}

TEST_F(Reading, AppendedBytesAreRefused) {
  Bytes file = sealed.age_file;
  file.push_back(0);
  expect_refused(checks::kPayloadLength, ErrorCode::kIntegrity, [&] { open(file); });
}

TEST_F(Reading, AnotherFileOfTheSameDeliveryIsRefused) {
  const SealedFile other = seal(cover, plaintext);
  const auto both = manifest_of(cover, {sealed.entry, other.entry});
  EXPECT_EQ(open(other.age_file, both, other.entry.id), plaintext);
  expect_refused(checks::kPayloadNonce, ErrorCode::kIntegrity,
                 [&] { open(other.age_file, both, sealed.entry.id); });
}

TEST_F(Reading, APayloadThatIsNotTheManifestsIsRefused) {
  auto entry = sealed.entry;
  entry.sha256[0] ^= 1;
  expect_refused(checks::kPayloadDigest, ErrorCode::kIntegrity,
                 [&] { open(sealed.age_file, manifest_of(cover, {entry}), entry.id); });
  entry = sealed.entry;
  entry.length += 1;
  expect_refused(checks::kPayloadLength, ErrorCode::kIntegrity,
                 [&] { open(sealed.age_file, manifest_of(cover, {entry}), entry.id); });
}

TEST_F(Reading, WithoutAFileIdAnyEntryOfTheManifestWillDoAndNothingElse) {
  const SealedFile unlisted = seal(cover, plaintext);
  const VerifiedCover by = verified().last();
  const auto read = [&](const Bytes& age_file, const ManifestEntries* described) {
    ViewSource source(age_file);
    OpenedFile opened(source, std::span(&recipient.identity, 1), by, described, nullptr);
    return drain(opened);
  };
  EXPECT_EQ(read(sealed.age_file, &manifest.files), plaintext);
  EXPECT_EQ(read(unlisted.age_file, nullptr), plaintext);
  expect_refused(checks::kPayloadDigest, ErrorCode::kIntegrity,
                 [&] { read(unlisted.age_file, &manifest.files); });
}

TEST_F(Reading, AFailureToReadIsNotTakenForAFinding) {
  class Broken final : public Source {
   public:
    ByteView next() override { throw Error(ErrorCode::kNetwork, "gone"); }
  };
  Broken broken;
  const VerifiedCover by = verified().last();
  try {
    OpenedFile opened(broken, std::span(&recipient.identity, 1), by, &manifest.files,
                      &sealed.entry.id);
    ADD_FAILURE();
  } catch (const Refused&) {
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  }
}

}  // namespace
}  // namespace letterbox::client
