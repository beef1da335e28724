#include "records/manifest.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

Uuid id_of(int number) {
  return Uuid::parse("01997d3c-5a00-7abc-8def-00000000000" + std::to_string(number)).value();
}

ManifestEntry entry_of(int number) {
  return {.id = id_of(number), .length = 33, .sha256 = crypto::sha256({})};
}

Manifest manifest_of(std::vector<ManifestEntry> files, std::vector<ManifestEntry> indexes = {}) {
  return {.delivery = Uuid::parse("01997d3c-59ff-7000-8000-000000000001").value(),
          .cover = crypto::sha256(as_bytes("cover")),
          .closed = time_of("2026-11-23T17:31:00Z"),
          .files = std::move(files),
          .indexes = std::move(indexes)};
}

std::string text_of(const Manifest& manifest) {
  return std::string(as_text(manifest_bytes(manifest)));
}

void expect_refused(const std::string& text) {
  EXPECT_EQ(thrown_by([&] { parse_manifest(as_bytes(text)); }), ErrorCode::kMalformed) << text;
}

void expect_refused(const Manifest& manifest) {
  expect_refused(text_of(manifest));
  EXPECT_EQ(thrown_by([&] { sign_manifest(manifest, signing_key()); }), ErrorCode::kMalformed);
}

TEST(ManifestTest, IsCompactJsonInAFixedOrder) {
  EXPECT_EQ(text_of(manifest_of({entry_of(1)})),
            "{\"delivery\":\"01997d3c-59ff-7000-8000-000000000001\","
            "\"cover\":\"P6QFqDAazjTRHPRKgWCAuPDkmkj70Ei4rvFUOoxYvbY=\","
            "\"closed\":\"2026-11-23T17:31:00Z\",\"files\":["
            "{\"id\":\"01997d3c-5a00-7abc-8def-000000000001\",\"length\":33,"
            "\"sha256\":\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"}],\"indexes\":[]}");
}

TEST(ManifestTest, ReadsBackWhatItSigned) {
  const Manifest manifest = manifest_of({entry_of(2), entry_of(1)}, {entry_of(1)});
  const Envelope envelope = parse_envelope(to_json(sign_manifest(manifest, signing_key())));
  const Manifest read = verify_manifest(envelope, signing_key().verify_key());
  EXPECT_EQ(read.delivery, manifest.delivery);
  EXPECT_EQ(read.cover, manifest.cover);
  EXPECT_EQ(read.closed, manifest.closed);
  ASSERT_EQ(read.files.size(), 2U);
  EXPECT_EQ(read.files[0].id, id_of(2));
  EXPECT_EQ(read.files[0].length, 33U);
  EXPECT_EQ(read.files[0].sha256, manifest.files[0].sha256);
  ASSERT_EQ(read.indexes.size(), 1U);
  EXPECT_EQ(read.indexes[0].id, id_of(1));
}

TEST(ManifestTest, RefusesAnotherSigner) {
  const Envelope envelope = sign_manifest(manifest_of({entry_of(1)}), signing_key());
  EXPECT_EQ(thrown_by([&] { verify_manifest(envelope, signing_key(2).verify_key()); }),
            ErrorCode::kBadSignature);
}

TEST(ManifestTest, ListsAtLeastOneFileAndNoneTwice) {
  expect_refused(manifest_of({}));
  expect_refused(manifest_of({entry_of(1), entry_of(2), entry_of(1)}));
}

TEST(ManifestTest, ListsAtMostOneIndexOfEachFileAndOfNoOther) {
  EXPECT_NO_THROW(parse_manifest(manifest_bytes(manifest_of({entry_of(1), entry_of(2)},  //
                                                            {entry_of(2), entry_of(1)}))));
  expect_refused(manifest_of({entry_of(1)}, {entry_of(1), entry_of(1)}));
  expect_refused(manifest_of({entry_of(1)}, {entry_of(2)}));
}

TEST(ManifestTest, ListsNothingShorterThanANonceAndAnEmptyChunk) {
  Manifest manifest = manifest_of({entry_of(1)});
  manifest.files[0].length = 32;
  EXPECT_NO_THROW(parse_manifest(manifest_bytes(manifest)));
  manifest.files[0].length = 31;
  expect_refused(manifest);
  manifest.files[0].length = std::uint64_t{1} << 53;
  expect_refused(manifest);
}

TEST(ManifestTest, RefusesEveryOtherForm) {
  const std::string text = text_of(manifest_of({entry_of(1)}));
  EXPECT_NO_THROW(parse_manifest(as_bytes(text)));
  for (const char* other : {"", "{}", "[]", "null"}) expect_refused(other);
  expect_refused(text + "x");
  expect_refused(with(text, "{", "{\"extra\":null,"));
  expect_refused(with(text, ",\"indexes\":[]", ""));
  expect_refused(with(text, ",\"indexes\":[]", ",\"indexes\":null"));
  expect_refused(with(text, ",\"indexes\":[]", ",\"indexes\":[],\"indexes\":[]"));
  expect_refused(with(text, "{\"id\"", "{\"extra\":null,\"id\""));
  expect_refused(with(text, "33", "33.0"));
  expect_refused(with(text, "33", "\"33\""));
  expect_refused(with(text, "47DE", "47D"));
  expect_refused(with(text, "-8def-", "-cdef-"));
  expect_refused(with(text, "\"files\":[", "\"files\":[1,"));
}

}  // namespace
}  // namespace letterbox::records
