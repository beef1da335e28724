// Our code against vectors that an independent script made from docs/format.md.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/header.h"
#include "crypto/recipient.h"
#include "crypto/signing.h"
#include "crypto/stream.h"
#include "records/cover.h"
#include "records/cover_chain.h"
#include "records/deletion_receipt.h"
#include "records/delivery_headers.h"
#include "records/devices.h"
#include "records/dsse.h"
#include "records/fingerprint_words.h"
#include "records/index.h"
#include "records/manifest.h"
#include "records/receipt.h"
#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

using Json = nlohmann::ordered_json;

Json load_vectors() {
  const char* source = std::getenv("LETTERBOX_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const std::string path =
      std::string(source == nullptr ? "." : source) + "/tests/vectors/format/vectors.json";
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << ": set LETTERBOX_SOURCE_DIR to the source tree";
  return Json::parse(file);
}

const Json& vectors() {
  static const Json loaded = load_vectors();
  return loaded;
}

Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<Byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

template <std::size_t N>
Secret<N> secret_of(ByteView bytes) {
  EXPECT_EQ(bytes.size(), N);
  Secret<N> secret;
  std::copy(bytes.begin(), bytes.end(), secret.reveal().begin());
  return secret;
}

std::string text(const Json& json) {
  return json.get<std::string>();
}

crypto::SigningKey vector_signing_key() {
  const auto seed =
      crypto::base64_decode(text(vectors()["signing_key"]["seed"]), crypto::Padding::kRequired);
  return crypto::SigningKey(secret_of<32>(seed.value()));
}

// A key of make.py's other devices.
crypto::SigningKey seeded_key(const std::string& label) {
  return crypto::SigningKey(
      secret_of<32>(crypto::sha256(as_bytes("letterbox format vectors: " + label))));
}

crypto::FileKey file_key(const Json& file) {
  return secret_of<16>(from_hex(text(file["file_key"])));
}

crypto::PayloadNonce nonce(const Json& file) {
  return crypto::payload_nonce(file_key(file), Uuid::parse(text(file["id"])).value());
}

Bytes plaintext(const Json& file) {
  Bytes bytes(file["plaintext_length"].get<std::size_t>());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<Byte>(i % 251);
  return bytes;
}

// Nonce and chunks.
Bytes sealed(const Json& file) {
  const Bytes plain = plaintext(file);
  ViewSource source(plain);
  const crypto::PayloadNonce start = nonce(file);
  Bytes payload(start.begin(), start.end());
  crypto::Sealer sealer(file_key(file), start, source);
  while (const auto row = sealer.next()) {
    payload.insert(payload.end(), row->view().begin(), row->view().end());
  }
  return payload;
}

SignedCover cover(std::size_t index) {
  const std::string envelope = text(vectors()["covers"][index]["envelope"]);
  return verify_cover(parse_envelope(envelope), vector_signing_key().verify_key());
}

crypto::X25519Identity identity(std::size_t index) {
  return crypto::X25519Identity::parse(text(vectors()["devices"][index]["identity"])).value();
}

TEST(FormatVectorsTest, SigningKeyIsDerivedNamedAndWrittenAsTheirs) {
  const auto& key = vectors()["signing_key"];
  EXPECT_EQ(vector_signing_key().verify_key().text(), text(key["verify_key"]));
  EXPECT_EQ(vector_signing_key().verify_key().fingerprint(), text(key["fingerprint"]));
}

TEST(FormatVectorsTest, RecipientsFollowFromIdentities) {
  for (std::size_t i = 0; i < vectors()["devices"].size(); ++i) {
    EXPECT_EQ(identity(i).recipient().text(), text(vectors()["devices"][i]["recipient"]));
    EXPECT_EQ(identity(i).text().reveal_text(), text(vectors()["devices"][i]["identity"]));
  }
}

TEST(FormatVectorsTest, PreAuthenticationEncodingIsWhatIsSigned) {
  const auto& dsse = vectors()["dsse"];
  const Envelope envelope = parse_envelope(text(dsse["envelope"]));
  EXPECT_TRUE(vector_signing_key().verify_key().verify(
      as_bytes(text(dsse["pre_authentication_encoding"])), envelope.signature));
}

TEST(FormatVectorsTest, EnvelopesAreTheirsByteForByte) {
  const auto& dsse = vectors()["dsse"];
  const Envelope envelope =
      sign(text(dsse["payload_type"]), as_bytes(text(dsse["payload"])), vector_signing_key());
  EXPECT_EQ(to_json(envelope), text(dsse["envelope"]));
}

TEST(FormatVectorsTest, DeviceRecordsAreTheirsByteForByte) {
  const auto& accepted = vectors()["device_records"]["accepted"];
  ASSERT_EQ(accepted.size(), 6U);
  const auto envelope = [&](std::size_t i) {
    return parse_envelope(text(accepted[i]["envelope"]));
  };
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    EXPECT_EQ(as_text(envelope(i).payload), text(accepted[i]["payload"]));
    EXPECT_EQ(to_hex(payload_hash(envelope(i))), text(accepted[i]["hash"]));
  }

  const DeviceRecord first = verify_device_record(envelope(0));
  EXPECT_EQ(first.handle.text(), text(vectors()["devices"][0]["handle"]));
  EXPECT_EQ(first.recipient, identity(0).recipient());
  EXPECT_EQ(to_json(sign_device_record(first, vector_signing_key())),
            text(accepted[0]["envelope"]));

  const DeviceRecord replacement = verify_device_record(envelope(3));
  EXPECT_EQ(replacement.not_before, time_of("2026-11-26T08:00:00Z"));
  const auto replacement_key = seeded_key("replacement");
  EXPECT_EQ(to_json(sign_device_record(replacement, replacement_key)),
            text(accepted[3]["envelope"]));

  const Cosignature cosignature = verify_cosignature(envelope(2));
  EXPECT_EQ(cosignature.device, payload_hash(envelope(1)));
  EXPECT_EQ(to_json(sign_cosignature(cosignature, vector_signing_key())),
            text(accepted[2]["envelope"]));

  const Revocation veto = verify_revocation(envelope(4));
  EXPECT_EQ(veto.revoked_by, RevokedBy::kDevice);
  EXPECT_EQ(to_json(sign_revocation(veto, seeded_key("further device"))),
            text(accepted[4]["envelope"]));

  const Revocation administrators = verify_revocation(envelope(5));
  EXPECT_EQ(administrators.revoked_by, RevokedBy::kGateway);
  EXPECT_EQ(to_json(sign_revocation(administrators, seeded_key("gateway"))),
            text(accepted[5]["envelope"]));
}

TEST(FormatVectorsTest, TheSameDevicesFollowFromDeviceRecords) {
  const std::map<std::string, DeviceState> states{{"unvouched", DeviceState::kUnvouched},
                                                  {"waiting", DeviceState::kWaiting},
                                                  {"active", DeviceState::kActive},
                                                  {"revoked", DeviceState::kRevoked}};
  const auto& history = vectors()["device_records"];
  for (const auto& expected : history["follows"]) {
    std::vector<AcceptedRecord> records;
    for (std::size_t i = 0; i < expected["records"].get<std::size_t>(); ++i) {
      const auto& accepted = history["accepted"][i];
      records.push_back(verify_accepted(parse_envelope(text(accepted["envelope"])), i,
                                        time_of(text(accepted["time"]))));
    }
    const auto devices = devices_of(handle(text(history["handle"])), records,
                                    crypto::VerifyKey::parse(text(history["gateway"])).value(),
                                    time_of(text(expected["at"])));
    EXPECT_EQ(devices.size(), expected["states"].size());
    for (const Device& device : devices) {
      EXPECT_EQ(device.state, states.at(text(expected["states"][to_hex(device.hash)]))) << expected;
    }
  }
}

TEST(FormatVectorsTest, FingerprintWordsAreTheirs) {
  EXPECT_EQ(fingerprint_words(vector_signing_key().verify_key()),
            text(vectors()["signing_key"]["words"]));
}

TEST(FormatVectorsTest, CoversAreTheirsByteForByte) {
  for (std::size_t i = 0; i < vectors()["covers"].size(); ++i) {
    const auto& theirs = vectors()["covers"][i];
    const SignedCover read = cover(i);
    EXPECT_EQ(to_hex(read.hash), text(theirs["hash"]));
    EXPECT_EQ(read.cover.recipients.size(), theirs["recipients"].get<std::size_t>());
    const SignedCover ours = sign_cover(read.cover, vector_signing_key());
    EXPECT_EQ(as_text(ours.envelope.payload), text(theirs["payload"]));
    EXPECT_EQ(to_json(ours.envelope), text(theirs["envelope"]));
  }
  EXPECT_EQ(cover(1).cover.previous, cover(0).hash);
}

TEST(FormatVectorsTest, HeadersAreTheirsByteForByte) {
  for (const auto& file : vectors()["files"]) {
    for (std::size_t i = 0; i < file["headers"].size(); ++i) {
      const SignedCover under = cover(i);
      const Bytes header = crypto::seal_header(file_key(file), under.hash, under.cover.keys());
      EXPECT_EQ(as_text(header), text(file["headers"][i]));
    }
  }
}

TEST(FormatVectorsTest, PayloadsAreTheirsByteForByte) {
  for (const auto& file : vectors()["files"]) {
    EXPECT_EQ(to_hex(nonce(file)), text(file["nonce"]));
    const Bytes payload = sealed(file);
    EXPECT_EQ(payload.size(), file["payload_length"].get<std::size_t>());
    EXPECT_EQ(crypto::sealed_size(plaintext(file).size()), payload.size());
    EXPECT_EQ(to_hex(crypto::sha256(payload)), text(file["payload_sha256"]));
    if (!file["payload"].is_null()) {
      EXPECT_EQ(crypto::base64_encode(payload, crypto::Padding::kRequired), text(file["payload"]));
    }
  }
}

// docs/format.md, "What a reader checks", as a reader does it.
TEST(FormatVectorsTest, TheirFilesOpenForEveryRecipient) {
  for (const auto& file : vectors()["files"]) {
    const Bytes payload = sealed(file);
    for (std::size_t i = 0; i < file["headers"].size(); ++i) {
      const SignedCover under = cover(i);
      const auto header = crypto::parse_header(as_bytes(text(file["headers"][i])));
      EXPECT_EQ(crypto::named_cover(header), under.hash);
      EXPECT_NO_THROW(crypto::screen_header(header, under.hash, under.cover.recipients.size()));
      for (std::size_t device = 0; device < under.cover.recipients.size(); ++device) {
        std::vector<crypto::X25519Identity> identities;
        identities.push_back(identity(device));
        const crypto::FileKey key = crypto::unwrap(header, identities);
        crypto::verify_header(header, key, under.hash, under.cover.keys());
        ViewSource source(payload, 1000);
        const auto expected = nonce(file);
        crypto::Opener opener(key, source, &expected);
        EXPECT_EQ(read_all(opener, 1 << 20), plaintext(file));
      }
    }
  }
}

TEST(FormatVectorsTest, EveryHeaderThatDoesNotFollowFromItsCoverIsRefused) {
  const auto& refused = vectors()["refused_headers"];
  const auto& file = vectors()["files"][refused["file"].get<std::size_t>()];
  const SignedCover under = cover(refused["cover"].get<std::size_t>());
  EXPECT_GE(refused["variants"].size(), 10U);
  for (const auto& variant : refused["variants"]) {
    const auto header = crypto::parse_header(as_bytes(text(variant["header"])));
    std::vector<crypto::X25519Identity> identities;
    identities.push_back(identity(0));
    const crypto::FileKey key = crypto::unwrap(header, identities);  // its MAC holds
    EXPECT_EQ(to_hex(key.reveal()), text(file["file_key"]));
    EXPECT_EQ(
        thrown_by([&] { crypto::verify_header(header, key, under.hash, under.cover.keys()); }),
        ErrorCode::kIntegrity)
        << variant["name"];
  }
}

TEST(FormatVectorsTest, TheIndexIsTheirsByteForByte) {
  const auto& theirs = vectors()["index"];
  const std::string plaintext = text(theirs["plaintext"]);
  EXPECT_EQ(as_text(index_bytes(parse_index(as_bytes(plaintext)))), plaintext);
  const SignedCover under = cover(0);
  EXPECT_EQ(as_text(crypto::seal_header(file_key(theirs), under.hash, under.cover.keys())),
            text(theirs["header"]));
  const crypto::PayloadNonce index_nonce = nonce(theirs);
  ViewSource source(as_bytes(plaintext));
  crypto::Sealer sealer(file_key(theirs), index_nonce, source);
  Bytes payload(index_nonce.begin(), index_nonce.end());
  const auto row = sealer.next();
  ASSERT_TRUE(row);
  payload.insert(payload.end(), row->view().begin(), row->view().end());
  EXPECT_FALSE(sealer.next());
  EXPECT_EQ(crypto::base64_encode(payload, crypto::Padding::kRequired), text(theirs["payload"]));
}

TEST(FormatVectorsTest, ManifestIsTheirsByteForByte) {
  const std::string theirs = text(vectors()["manifest"]["envelope"]);
  const auto key = vector_signing_key();
  const Manifest manifest = verify_manifest(parse_envelope(theirs), key.verify_key());
  EXPECT_EQ(manifest.cover, cover(0).hash);
  ASSERT_EQ(manifest.files.size(), vectors()["files"].size());
  for (std::size_t i = 0; i < manifest.files.size(); ++i) {
    const auto& file = vectors()["files"][i];
    EXPECT_EQ(manifest.files[i].id.text(), text(file["id"]));
    EXPECT_EQ(manifest.files[i].length, file["payload_length"].get<std::uint64_t>());
    EXPECT_EQ(to_hex(manifest.files[i].sha256), text(file["payload_sha256"]));
  }
  ASSERT_EQ(manifest.indexes.size(), 1U);
  EXPECT_EQ(manifest.indexes[0].id.text(), text(vectors()["index"]["id"]));
  EXPECT_EQ(to_json(sign_manifest(manifest, key)), theirs);
}

// --- Sharing on

const Json& sharing() {
  return vectors()["sharing"];
}

DeviceRecord sharing_device(const Json& number) {
  const auto& device = sharing()["devices"][number.get<std::size_t>()];
  return verify_device_record(parse_envelope(text(device["envelope"])));
}

// Their covers, each verified as what follows the one before.
std::vector<SignedCover> shared_covers() {
  std::vector<SignedCover> covers;
  for (const auto& theirs : sharing()["covers"]) {
    const Envelope envelope = parse_envelope(text(theirs["envelope"]));
    const DeviceRecord maker = sharing_device(theirs["maker"]);
    covers.push_back(covers.empty() ? verify_cover(envelope, maker.signing_key)
                                    : follow(covers.back(), envelope, maker));
  }
  return covers;
}

TEST(FormatVectorsTest, TheirChainIsFollowedToItsEnd) {
  const auto covers = shared_covers();
  ASSERT_EQ(covers.size(), 3U);
  for (std::size_t i = 0; i < covers.size(); ++i)
    EXPECT_EQ(to_hex(covers[i].hash), text(sharing()["covers"][i]["hash"]));
}

TEST(FormatVectorsTest, HeadersUnderEachCoverOfTheChainAreTheirs) {
  const auto covers = shared_covers();
  const auto& file = vectors()["files"][1];
  for (std::size_t i = 0; i < covers.size(); ++i) {
    const SignedCover& under = covers[i];
    const Bytes header = crypto::seal_header(file_key(file), under.hash, under.cover.keys());
    EXPECT_EQ(as_text(header), text(sharing()["headers"][i]));
    EXPECT_EQ(header.size(), crypto::header_size(under.cover.recipients.size()));
  }
}

TEST(FormatVectorsTest, WhatBreaksARuleOfTheChainIsRefusedByThatRule) {
  const std::map<int, ErrorCode> codes = {
      {1, ErrorCode::kBadSignature},  {2, ErrorCode::kCoverMismatch}, {3, ErrorCode::kBadSignature},
      {4, ErrorCode::kCoverMismatch}, {5, ErrorCode::kNotAllowed},    {6, ErrorCode::kConflict},
  };
  const auto covers = shared_covers();
  std::map<int, int> broken;
  for (const auto& attempt : sharing()["refused"]) {
    const int rule = attempt["rule"].get<int>();
    ++broken[rule];
    EXPECT_EQ(thrown_by([&] {
                follow(covers.at(attempt["after"].get<std::size_t>()),
                       parse_envelope(text(attempt["envelope"])), sharing_device(attempt["maker"]));
              }),
              codes.at(rule))
        << attempt["name"];
  }
  EXPECT_EQ(broken.size(), codes.size());
}

TEST(FormatVectorsTest, TheirRecipientsChangeIsReadAndWrittenByteForByte) {
  const auto theirs =
      crypto::base64_decode(text(sharing()["recipients_change"]), crypto::Padding::kRequired);
  ViewSource source(*theirs, 100);
  HeadersReader reader(source);
  const Envelope envelope = reader.cover();
  const SignedCover under = shared_covers()[1];
  EXPECT_EQ(envelope.payload, under.envelope.payload);
  Bytes ours = cover_frame(envelope);
  std::size_t files = 0;
  while (const auto headers = reader.next(under.hash, under.cover.recipients.size())) {
    EXPECT_EQ(headers->file.text(), text(vectors()["files"][files]["id"]));
    EXPECT_EQ(headers->index_header.empty(), files == 1);
    const Bytes frame = headers_frame(*headers);
    ours.insert(ours.end(), frame.begin(), frame.end());
    ++files;
  }
  EXPECT_EQ(files, 2U);
  EXPECT_EQ(ours, *theirs);
}

TEST(FormatVectorsTest, TheirHeadersOfADeliveryAreReadAndWrittenByteForByte) {
  const auto theirs =
      crypto::base64_decode(text(sharing()["headers_of_the_delivery"]), crypto::Padding::kRequired);
  ViewSource source(*theirs, 100);
  HeadersReader reader(source);
  const SignedCover under = shared_covers()[1];
  Bytes ours;
  std::size_t files = 0;
  while (const auto beginnings =
             reader.next_beginnings(under.hash, under.cover.recipients.size())) {
    EXPECT_EQ(to_hex(beginnings->payload.nonce), text(vectors()["files"][files]["nonce"]));
    EXPECT_EQ(beginnings->index.has_value(), files == 0);
    const Bytes frame = beginnings_frame(*beginnings);
    ours.insert(ours.end(), frame.begin(), frame.end());
    ++files;
  }
  EXPECT_EQ(files, 2U);
  EXPECT_EQ(ours, *theirs);
}

TEST(FormatVectorsTest, TheirReceiptsAreReadAndWrittenByteForByte) {
  const Envelope opened = parse_envelope(text(sharing()["receipt"]["envelope"]));
  const DeviceRecord by = sharing_device(sharing()["receipt"]["by"]);
  const Receipt receipt = verify_receipt(opened, by.signing_key);
  EXPECT_EQ(receipt.recipient, by.recipient);
  EXPECT_EQ(receipt.manifest,
            payload_hash(parse_envelope(text(sharing()["manifest"]["envelope"]))));
  EXPECT_EQ(to_json(sign_receipt(receipt, seeded_key("carol signs"))),
            text(sharing()["receipt"]["envelope"]));

  for (const char* name : {"deletion_receipt", "deletion_receipt_without_a_date"}) {
    const auto& deletion = sharing()[name];
    const auto gateway = crypto::VerifyKey::parse(text(deletion["gateway"])).value();
    const DeletionReceipt deleted =
        verify_deletion_receipt(parse_envelope(text(deletion["envelope"])), gateway);
    EXPECT_EQ(deleted.cover, shared_covers()[0].hash);
    EXPECT_EQ(deleted.backups_lapse.has_value(), std::string_view(name) == "deletion_receipt");
    EXPECT_EQ(to_json(sign_deletion_receipt(deleted, seeded_key("gateway"))),
              text(deletion["envelope"]));
  }
}

}  // namespace
}  // namespace letterbox::records
