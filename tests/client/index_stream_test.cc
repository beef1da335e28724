#include "client/index_stream.h"

#include <algorithm>

#include "tests/client/frames.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kLengthSize = 4;

records::Index index_of(const std::string& name) {
  return {.type = std::string(records::kUncheckedType), .size = 3, .checked = false, .name = name};
}

// A delivery of two files, each with an index.
class IndexStreamTest : public ::testing::Test {
 protected:
  IndexStreamTest() {
    for (const char* name : {"a", "b"}) sealed.push_back(index_file(name));
    in_order();
  }

  // Ids made in one millisecond are in no order.
  void in_order() {
    std::ranges::sort(sealed, {}, [](const SealedFile& one) { return one.entry.id; });
  }

  SealedFile index_file(const std::string& name) const {
    return seal(cover, records::index_bytes(index_of(name)));
  }
  static Bytes stream_of(const std::vector<SealedFile>& files) {
    return client::stream_of(files, kLengthSize);
  }
  VerifiedDelivery delivery() const {
    records::Manifest manifest = manifest_of(cover, {});
    // In no particular order: a manifest needn't be sorted.
    for (const SealedFile& file : sealed) {
      manifest.files.push_back(file.entry);
      manifest.indexes.insert(manifest.indexes.begin(), file.entry);
    }
    return verify_delivery(
        {cover.cover.delivery, {cover.envelope}, records::sign_manifest(manifest, sender.key)},
        trusted);
  }
  std::vector<FileIndex> read(ByteView stream, std::size_t piece = 7) const {
    return read(stream, delivery(), piece);
  }
  std::vector<FileIndex> read(ByteView stream, const VerifiedDelivery& of,
                              std::size_t piece = 7) const {
    ViewSource source(stream, piece);
    IndexStream indexes(source, std::span(&recipient.identity, 1), of, of.cover());
    std::vector<FileIndex> read;
    while (auto index = indexes.next()) read.push_back(std::move(*index));
    return read;
  }
  const Device sender{"ada@clinic.example"};
  const Device recipient{"bob@clinic.example"};
  const TrustedKeys trusted{std::nullopt, {sender.record()}};
  const records::SignedCover cover =
      records::sign_cover(cover_from(sender, {&recipient}), sender.key);
  std::vector<SealedFile> sealed;
};

TEST_F(IndexStreamTest, YieldsEachIndexHoweverItIsCut) {
  const Bytes stream = stream_of(sealed);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{19}, stream.size()}) {
    const auto indexes = read(stream, piece);
    ASSERT_EQ(indexes.size(), 2U);
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      EXPECT_EQ(indexes[i].file, sealed[i].entry.id);
      ASSERT_TRUE(indexes[i].index);
      EXPECT_EQ(indexes[i].index->size, 3U);
      EXPECT_TRUE(indexes[i].index->name);
    }
    EXPECT_NE(indexes[0].index->name, indexes[1].index->name);
  }
}

TEST_F(IndexStreamTest, ADeliveryWithoutIndexesHasAnEmptyOne) {
  VerifiedDelivery bare = delivery();
  bare.manifest.indexes.clear();
  EXPECT_TRUE(read({}, bare).empty());
  expect_refused(checks::kIndexes, [&] { read(stream_of(sealed), bare); });
}

TEST_F(IndexStreamTest, OneThatDoesNotComeIsNamed) {
  for (const std::size_t gone : {0U, 1U}) {
    auto others = sealed;
    others.erase(others.begin() + static_cast<long>(gone));
    const auto indexes = read(stream_of(others));
    ASSERT_EQ(indexes.size(), 2U);
    EXPECT_EQ(indexes[gone].file, sealed[gone].entry.id);
    EXPECT_FALSE(indexes[gone].index);
    EXPECT_TRUE(indexes[1 - gone].index);
  }
  for (const FileIndex& index : read({})) EXPECT_FALSE(index.index);
}

TEST_F(IndexStreamTest, OneTooManyShows) {
  auto more = sealed;
  more.push_back(index_file("c"));
  expect_refused(checks::kIndexes, [&] { read(stream_of(more)); });
  more.back() = sealed.back();
  expect_refused(checks::kIndexes, [&] { read(stream_of(more)); });
}

TEST_F(IndexStreamTest, AreInOrderAndEachInItsPlace) {
  auto turned = sealed;
  std::ranges::reverse(turned);
  expect_refused(checks::kIndexes, [&] { read(stream_of(turned)); });
  auto swapped = sealed;
  std::swap(swapped[0].age_file, swapped[1].age_file);
  expect_refused(checks::kPayloadNonce, [&] { read(stream_of(swapped)); });
}

TEST_F(IndexStreamTest, CutOffWithinOneItIsRefused) {
  const Bytes stream = stream_of(sealed);
  const std::size_t first = stream_of({sealed[0]}).size();
  for (std::size_t size = 1; size < stream.size(); ++size)
    if (size != first)
      expect_refused(checks::kIndexes, [&] { read(ByteView(stream).first(size), 100'000); });
}

TEST_F(IndexStreamTest, ALengthBeyondAnyIndexIsNotReadFor) {
  const Bytes lie = frame(sealed[0], kLengthSize, 0xffffffff);
  expect_refused(checks::kIndexes, [&] { read(lie); });
}

TEST_F(IndexStreamTest, AnotherIndexOfTheSameSenderIsntTheOneThatWasSigned) {
  const Uuid& file = sealed[0].entry.id;
  const Bytes other = records::index_bytes(index_of("x"));
  ViewSource source(other);
  SealedUpload again(file, cover, source);
  auto swapped = sealed;
  swapped[0].age_file = drain(again);
  expect_refused(checks::kPayloadDigest, [&] { read(stream_of(swapped)); });
}

TEST_F(IndexStreamTest, WhatIsNoIndexIsRefusedThoughItIsSigned) {
  sealed[1] = seal(cover, as_bytes("{}"));
  in_order();
  expect_refused(checks::kIndexFormat, [&] { read(stream_of(sealed)); });
  sealed = {index_file("a"), seal(cover, Bytes(records::kMaxIndexSize + 1))};
  in_order();
  expect_refused(checks::kIndexes, [&] { read(stream_of(sealed)); });
}

}  // namespace
}  // namespace letterbox::client
