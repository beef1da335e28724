#include "client/file_stream.h"

#include <algorithm>

#include "crypto/header.h"
#include "tests/client/frames.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kLengthSize = 8;

// Files of one delivery, in the order of their ids.
class FileStreamTest : public ::testing::Test {
 protected:
  FileStreamTest() {
    for (const std::size_t size : {0U, 1U, 70'000U}) sealed.push_back(seal(cover, pattern(size)));
    std::ranges::sort(sealed, {}, [](const SealedFile& one) { return one.entry.id; });
  }

  static Bytes stream_of(const std::vector<SealedFile>& files) {
    return client::stream_of(files, kLengthSize);
  }
  // In no particular order: a manifest needn't be sorted.
  ManifestEntries due() const { return {sealed[2].entry, sealed[0].entry, sealed[1].entry}; }
  std::vector<AgeFile> read(ByteView stream, std::size_t piece = 100'000) const {
    return read(stream, due(), piece);
  }
  static std::vector<AgeFile> read(ByteView stream, const ManifestEntries& due,
                                   std::size_t piece = 100'000) {
    ViewSource source(stream, piece);
    FileStream files(source, kSmallFiles, due);
    std::vector<AgeFile> read;
    while (auto file = files.next()) read.push_back(std::move(*file));
    return read;
  }

  const Device sender{"ada@clinic.example"};
  const Device recipient{"bob@clinic.example"};
  const records::SignedCover cover =
      records::sign_cover(cover_from(sender, {&recipient}), sender.key);
  std::vector<SealedFile> sealed;
};

TEST_F(FileStreamTest, YieldsEachFileHoweverItIsCut) {
  const Bytes stream = stream_of(sealed);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{23}, stream.size()}) {
    const auto files = read(stream, piece);
    ASSERT_EQ(files.size(), sealed.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(files[i].file, sealed[i].entry.id);
      EXPECT_EQ(files[i].bytes, sealed[i].age_file);
    }
  }
}

TEST_F(FileStreamTest, SomeOrAllMayBeLeftOut) {
  EXPECT_TRUE(read({}).empty());
  EXPECT_TRUE(read({}, ManifestEntries()).empty());
  for (std::size_t gone = 0; gone < sealed.size(); ++gone) {
    auto others = sealed;
    others.erase(others.begin() + static_cast<long>(gone));
    const auto files = read(stream_of(others));
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].file, others[0].entry.id);
    EXPECT_EQ(files[1].file, others[1].entry.id);
  }
}

TEST_F(FileStreamTest, OneThatIsNotDueIsRefused) {
  for (const SealedFile& foreign : sealed) {
    ManifestEntries others = due();
    std::erase_if(others, [&](const auto& entry) { return entry.id == foreign.entry.id; });
    expect_refused(checks::kFiles, [&] { read(stream_of({foreign}), others); });
  }
}

TEST_F(FileStreamTest, OutOfOrderOrTwiceIsRefused) {
  auto turned = sealed;
  std::swap(turned[1], turned[2]);
  expect_refused(checks::kFiles, [&] { read(stream_of(turned)); });
  for (const SealedFile& again : sealed) {
    auto more = sealed;
    more.push_back(again);
    expect_refused(checks::kFiles, [&] { read(stream_of(more)); });
  }
}

TEST_F(FileStreamTest, CutOffWithinOneItIsRefused) {
  const Bytes stream = stream_of(sealed);
  std::vector<std::size_t> ends = {0};
  for (const SealedFile& file : sealed)
    ends.push_back(ends.back() + frame(file, kLengthSize, 0).size());
  for (std::size_t begin = 0; begin + 1 < ends.size(); ++begin)
    for (const std::size_t size : {ends[begin] + 1, ends[begin] + 16, ends[begin] + 23,
                                   ends[begin] + 24, ends[begin] + 25, ends[begin + 1] - 1})
      expect_refused(checks::kFiles, [&] { read(ByteView(stream).first(size)); });
}

TEST_F(FileStreamTest, ALengthThatNoFileCanHaveIsNotReadFor) {
  SealedFile padded = sealed[0];
  padded.age_file.resize(crypto::kMaxHeaderSize + padded.entry.length);
  EXPECT_EQ(read(stream_of({padded})).size(), 1U);
  padded.age_file.push_back(0);
  expect_refused(checks::kFiles, [&] { read(stream_of({padded})); });
  // To take these would end in std::length_error.
  for (const std::uint64_t length : {std::uint64_t{1} << 63, UINT64_MAX})
    expect_refused(checks::kFiles, [&] { read(frame(padded, kLengthSize, length)); });
}

TEST_F(FileStreamTest, APayloadThatIsNotSmallIsNotTakenThoughItIsListed) {
  ManifestEntries entries = due();
  for (auto& entry : entries) entry.length = kSmallPayload;
  EXPECT_EQ(read(stream_of(sealed), entries).size(), sealed.size());
  for (auto& entry : entries) entry.length = kSmallPayload + 1;
  expect_refused(checks::kFiles, [&] { read(stream_of(sealed), entries); });
}

TEST_F(FileStreamTest, SmallIsWhatFitsIntoOneRow) {
  EXPECT_EQ(crypto::sealed_size(crypto::kChunksPerRow * crypto::kChunkSize), kSmallPayload);
}

}  // namespace
}  // namespace letterbox::client
