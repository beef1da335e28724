// What somebody who holds a stored file can do to it, case by case, and what the program says: exit
// 5 and the name of the check, 6 where the cover lists no key of ours, and nothing left behind.
//
// The holder may have been a recipient, who knows the file key: then header and MAC are right in
// themselves.
#include <algorithm>

#include "client/exit_code.h"
#include "client/home.h"
#include "crypto/base64.h"
#include "crypto/stream.h"
#include "tests/client/sharing.h"
#include "tests/client/subprocess.h"

namespace letterbox::client {
namespace {

class StoredObject : public Sharing {
 protected:
  // Bob's home: he knows Ada, and has seen covers and manifest.
  StoredObject() {
    const Home home(place / "home");
    std::filesystem::create_directory(place / "files");
    std::string key_file =
        "# letterbox-signing-seed: " +
        crypto::base64_encode(bob.key.seed().reveal(), crypto::Padding::kRequired) + "\n";
    key_file += bob.identity.text().reveal_text();
    write_file(home.bare_key_file(), as_bytes(key_file + "\n"));
    home.remember_device(bob.envelope());
    for (const Device* known : {&ada, &carol}) {
      write_file(home.known() / (known->identity.recipient().text() + ".json"),
                 as_bytes(records::to_json(known->envelope())));
    }
    home.remember(verify_delivery(unverified({one}), trusted));
  }

  // Opens `age_file` under the covers, which lie beside it.
  Outcome open(ByteView age_file, const std::string& covers) const {
    write_file(place / "files" / "scan.dcm.age", age_file);
    write_file(place / "files" / "scan.dcm.age.cover.json", as_bytes(covers));
    return run({binary("letterbox"), "--home", (place / "home").string(), "open",
                (place / "files" / "scan.dcm.age").string()});
  }
  Outcome open(ByteView age_file) const { return open(age_file, records::to_json(one.envelope)); }

  void expect_refused(const Outcome& outcome, const char* check, int exit = 5) const {
    EXPECT_EQ(outcome.exit, exit) << outcome.err;
    EXPECT_NE(outcome.err.find('"' + std::string(check) + '"'), std::string::npos) << outcome.err;
    EXPECT_TRUE(outcome.out.empty());
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(place / "files"))
      left.push_back(entry.path().filename());
    std::ranges::sort(left);
    EXPECT_EQ(left, (std::vector<std::string>{"scan.dcm.age", "scan.dcm.age.cover.json"}));
  }

  std::size_t header_size() const { return header_of(file.age_file).bytes.size(); }
  Bytes with_header(const Bytes& header) const {
    Bytes bytes = header;
    const Bytes payload = payload_of(file.age_file);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }
  crypto::FileKey file_key() const {
    return crypto::unwrap(header_of(file.age_file), std::span(&bob.identity, 1));
  }
  std::vector<crypto::Stanza> stanzas() const { return header_of(file.age_file).stanzas; }
  Bytes with_stanzas(const std::vector<crypto::Stanza>& changed) const {
    return with_header(crypto::format_header(file_key(), changed));
  }
  crypto::Stanza for_a_stranger() const {
    return eve.identity.recipient().wrap(file_key(), Secret<32>());
  }

  const TemporaryDirectory place;
};

TEST_F(StoredObject, Case000UntouchedItOpens) {
  const Outcome outcome = open(file.age_file);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(read_file(place / "files" / "scan.dcm"), plaintext);
}

TEST_F(StoredObject, Case109EachHeaderByteFlipped) {
  const VerifiedDelivery delivery = verify_delivery(unverified({one}), trusted);
  for (std::size_t i = 0; i < header_size(); ++i) {
    Bytes changed = file.age_file;
    changed[i] ^= 1;
    // The program for some, since starting it takes a while; what it calls for all.
    if (i % 20 == 0) {
      const Outcome outcome = open(changed);
      EXPECT_EQ(outcome.exit, 5) << i << outcome.err;
      EXPECT_FALSE(std::filesystem::exists(place / "files" / "scan.dcm"));
    }
    ViewSource source(changed);
    const auto code = thrown_by([&] {
      OpenedFile opened(source, std::span(&bob.identity, 1), delivery.cover(), &manifest.files,
                        &file.entry.id);
      drain(opened);
    });
    ASSERT_TRUE(code) << i;
    EXPECT_EQ(exit_code(*code), ExitCode::kIntegrity) << i;
  }
}

TEST_F(StoredObject, Case110StanzasSwappedBetweenFiles) {
  const SealedFile other = seal(one, plaintext);
  auto changed = stanzas();
  changed[1] = header_of(other.age_file).stanzas[1];
  // By somebody without the file key; and by somebody with it, for another recipient.
  expect_refused(open(with_header(header_of(other.age_file).bytes)), checks::kPayload);
  expect_refused(open(with_stanzas(changed)), checks::kHeaderRebuilt);
}

TEST_F(StoredObject, Case111LastChunkDropped) {
  Bytes changed = file.age_file;
  changed.resize(header_size() + sizeof(crypto::PayloadNonce) + crypto::kSealedChunkSize);
  expect_refused(open(changed), checks::kPayload);
}

TEST_F(StoredObject, Case112ChunksReordered) {
  const SealedFile three = seal(one, pattern(200'000));
  Bytes changed = three.age_file;
  const auto first = changed.begin() + static_cast<long>(header_of(three.age_file).bytes.size() +
                                                         sizeof(crypto::PayloadNonce));
  const auto second = first + crypto::kSealedChunkSize;
  std::swap_ranges(first, second, second);
  expect_refused(open(changed), checks::kPayload);
}

TEST_F(StoredObject, Case113BytesAppended) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{16}, crypto::kSealedChunkSize}) {
    Bytes changed = file.age_file;
    changed.resize(changed.size() + count);
    expect_refused(open(changed), checks::kPayload);
  }
}

TEST_F(StoredObject, Case114LowOrderShare) {
  auto changed = stanzas();
  // Ours, and another recipient's.
  for (const std::size_t place_of : {std::size_t{2}, std::size_t{1}}) {
    changed = stanzas();
    changed[place_of].arguments[1] = std::string(43, 'A');
    expect_refused(open(with_stanzas(changed)), checks::kFileKey);
  }
}

TEST_F(StoredObject, Case115ARecipientTwice) {
  auto changed = stanzas();
  changed.push_back(changed[2]);
  expect_refused(open(with_stanzas(changed)), checks::kHeaderRebuilt);
}

TEST_F(StoredObject, Case116OneStanzaMoreOfX25519) {
  auto changed = stanzas();
  changed.push_back(for_a_stranger());
  expect_refused(open(with_stanzas(changed)), checks::kHeaderRebuilt);
}

TEST_F(StoredObject, Case116OneStanzaMoreOfSshEd25519) {
  auto changed = stanzas();
  changed.push_back({{"ssh-ed25519", "AAAAAA", std::string(43, 'A')}, pattern(32)});
  expect_refused(open(with_stanzas(changed)), checks::kHeaderRebuilt);
}

TEST_F(StoredObject, Case116bARecipientsStanzaReplacedByAStrangers) {
  auto changed = stanzas();
  changed[1] = for_a_stranger();
  expect_refused(open(with_stanzas(changed)), checks::kHeaderRebuilt);
  changed = stanzas();
  changed[2] = for_a_stranger();  // ours
  expect_refused(open(with_stanzas(changed)), checks::kFileKey);
}

TEST_F(StoredObject, Case116cStanzasInAnotherOrder) {
  auto changed = stanzas();
  std::swap(changed[1], changed[2]);
  expect_refused(open(with_stanzas(changed)), checks::kHeaderRebuilt);
}

TEST_F(StoredObject, Case117CoverOfAnotherDelivery) {
  const auto other = records::sign_cover(cover_from(ada, {&ada, &bob}), ada.key);
  expect_refused(open(file.age_file, records::to_json(other.envelope)), checks::kHeaderCover);
}

TEST_F(StoredObject, Case118ManifestSignedByAnotherDevice) {
  const auto forged = records::sign_manifest(manifest, carol.key);
  write_file(place / "home" / "manifests" / (to_hex(one.hash) + ".json"),
             as_bytes(records::to_json(forged)));
  expect_refused(open(file.age_file), checks::kManifestSignature);
}

TEST_F(StoredObject, WhatTheManifestDoesntListIsRefused) {
  expect_refused(open(seal(one, plaintext).age_file), checks::kPayloadDigest);
}

TEST_F(StoredObject, ForSomebodyElseIsSix) {
  const auto others = records::sign_cover(cover_from(ada, {&ada, &carol}), ada.key);
  expect_refused(open(seal(others, plaintext).age_file, records::to_json(others.envelope)),
                 checks::kCoverListsUs, 6);
}

// --- After it was shared on

TEST_F(StoredObject, SharedOnItOpensWithItsCovers) {
  const auto two = next(one, {&ada, &bob, &carol}, ada);
  const Bytes shared = with_header(header_under(two, file.age_file));
  const std::string covers =
      records::to_json(one.envelope) + "\n" + records::to_json(two.envelope) + "\n";
  const Outcome outcome = open(shared, covers);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(read_file(place / "files" / "scan.dcm"), plaintext);
  std::filesystem::remove(place / "files" / "scan.dcm");
  expect_refused(open(shared, records::to_json(two.envelope)), checks::kCoverVersions);
  expect_refused(open(shared, records::to_json(one.envelope)), checks::kHeaderCover);
  expect_refused(open(file.age_file, covers), checks::kHeaderCover);
}

TEST_F(StoredObject, DroppedIsSixAndSaysByWhom) {
  const auto two = next(one, {&ada}, ada);
  const std::string covers =
      records::to_json(one.envelope) + "\n" + records::to_json(two.envelope) + "\n";
  expect_refused(open(with_header(header_under(two, file.age_file)), covers), checks::kCoverListsUs,
                 6);
}

TEST_F(StoredObject, ACoverByAStrangerIsRefused) {
  const auto two = next(one, {&ada, &bob, &carol}, carol);
  const std::string covers =
      records::to_json(one.envelope) + "\n" + records::to_json(two.envelope) + "\n";
  expect_refused(open(with_header(header_under(two, file.age_file)), covers), checks::kCoverChange);
}

}  // namespace
}  // namespace letterbox::client
