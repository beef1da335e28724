#include "crypto/stream.h"

#include <gtest/gtest.h>

#include "crypto/chunk.h"
#include "tests/crypto/support.h"

namespace letterbox::crypto {
namespace {

constexpr std::size_t kPlainRow = kChunksPerRow * kChunkSize;
constexpr std::size_t kNonceSize = sizeof(PayloadNonce);

std::vector<Bytes> rows_of(ByteView plaintext, unsigned threads = 1) {
  std::vector<Bytes> rows;
  ViewSource source(plaintext);
  Sealer sealer(test_file_key(), kTestNonce, source, threads);
  while (const auto row = sealer.next()) rows.emplace_back(row->view().begin(), row->view().end());
  EXPECT_FALSE(sealer.next()) << "an end stays an end";
  return rows;
}

TEST(Stream, OpensWhatItSealedWhateverSizePiecesAndThreads) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1, 2 * kChunkSize,
        kPlainRow - 1, kPlainRow, kPlainRow + 1, 3 * kPlainRow, 3 * kPlainRow + 12345}) {
    const Bytes plaintext = some_bytes(size);
    const Bytes sealed = seal_payload(plaintext);
    EXPECT_EQ(sealed.size(), sealed_size(size));
    for (const unsigned threads : {1U, 2U, 5U}) {
      for (const std::size_t piece :
           {std::size_t{977}, kChunkSize, std::size_t{300'000}, SIZE_MAX}) {
        EXPECT_EQ(seal_payload(plaintext, threads, piece), sealed);
        const Opened opened = open_payload(sealed, threads, piece);
        EXPECT_EQ(opened.error, std::nullopt);
        EXPECT_TRUE(opened.plaintext == plaintext) << size << " bytes, " << threads << " threads";
      }
    }
  }
}

TEST(Stream, ComesInRowsOfSixteenChunks) {
  for (const unsigned threads : {1U, 2U}) {
    const auto sizes = [&](std::size_t plaintext) {
      std::vector<std::size_t> all;
      for (const Bytes& row : rows_of(some_bytes(plaintext), threads)) all.push_back(row.size());
      return all;
    };
    EXPECT_EQ(sizes(0), (std::vector<std::size_t>{16}));
    EXPECT_EQ(sizes(kChunkSize), (std::vector<std::size_t>{kSealedChunkSize}));
    EXPECT_EQ(sizes(kPlainRow), (std::vector<std::size_t>{kRowSize}));
    EXPECT_EQ(sizes(kPlainRow + 1), (std::vector<std::size_t>{kRowSize, 17}));
    EXPECT_EQ(sizes(2 * kPlainRow), (std::vector<std::size_t>{kRowSize, kRowSize}));
  }
}

TEST(Stream, OpensRowsAsPieces) {
  class Rows final : public Source {
   public:
    explicit Rows(std::vector<Bytes> rows) : rows_(std::move(rows)) {}
    ByteView next() override { return at_ < rows_.size() ? ByteView(rows_[at_++]) : ByteView(); }

   private:
    std::vector<Bytes> rows_;
    std::size_t at_ = 0;
  };
  const Bytes plaintext = some_bytes(2 * kPlainRow + 5);
  std::vector<Bytes> pieces = rows_of(plaintext);
  pieces.insert(pieces.begin(), Bytes(kTestNonce.begin(), kTestNonce.end()));
  Rows source(pieces);
  Opener opener(test_file_key(), source, &kTestNonce, 2);
  EXPECT_TRUE(read_all(opener, SIZE_MAX) == plaintext);
  EXPECT_TRUE(opener.next().empty()) << "an end stays an end";
}

// A payload that is altered must never be opened to its end, and what came out before must be the
// beginning of the plaintext.
void expect_refused(const Bytes& altered, const Bytes& plaintext, const std::string& how) {
  for (const unsigned threads : {1U, 2U}) {
    const Opened opened = open_payload(altered, threads);
    EXPECT_EQ(opened.error, ErrorCode::kIntegrity) << how;
    EXPECT_TRUE(is_prefix(opened.plaintext, plaintext)) << how;
  }
}

TEST(Stream, WithAnyByteFlippedIsRefused) {
  const Bytes plaintext = some_bytes(100);
  const Bytes sealed = seal_payload(plaintext);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (const Byte bit : std::initializer_list<Byte>{0x01, 0x80}) {
      Bytes altered = sealed;
      altered[i] ^= bit;
      expect_refused(altered, {}, "byte " + std::to_string(i));
    }
  }
}

TEST(Stream, WithAByteFlippedInALaterChunkGivesOnlyTheChunksBefore) {
  const Bytes plaintext = some_bytes(3 * kChunkSize + 100);
  const Bytes sealed = seal_payload(plaintext);
  for (std::size_t at = kNonceSize + kSealedChunkSize; at < sealed.size(); at += 9973) {
    Bytes altered = sealed;
    altered[at] ^= 1;
    const Opened opened = open_payload(altered, 2);
    EXPECT_EQ(opened.error, ErrorCode::kIntegrity);
    const std::size_t whole_chunks = (at - kNonceSize) / kSealedChunkSize;
    EXPECT_TRUE(opened.plaintext ==
                Bytes(plaintext.begin(),
                      plaintext.begin() + static_cast<std::ptrdiff_t>(whole_chunks * kChunkSize)));
  }
}

TEST(Stream, CutAtAnyLengthIsRefused) {
  const Bytes plaintext = some_bytes(100);
  const Bytes sealed = seal_payload(plaintext);
  for (std::size_t size = 0; size < sealed.size(); ++size)
    expect_refused({sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)}, {},
                   "cut to " + std::to_string(size));
}

TEST(Stream, CutAtOrAroundAnyChunkIsRefused) {
  const Bytes plaintext = some_bytes(kPlainRow + 2 * kChunkSize + 5);
  const Bytes sealed = seal_payload(plaintext);
  for (std::size_t chunk = 0; chunk < 19; ++chunk) {
    for (const int near : {-17, -16, -1, 0, 1, 15, 16, 17}) {
      const auto size = static_cast<std::ptrdiff_t>(kNonceSize + chunk * kSealedChunkSize) + near;
      if (size < 0 || size >= static_cast<std::ptrdiff_t>(sealed.size())) continue;
      expect_refused({sealed.begin(), sealed.begin() + size}, plaintext,
                     "cut to " + std::to_string(size));
    }
  }
}

TEST(Stream, WithChunksSwappedIsRefused) {
  const Bytes plaintext = some_bytes(5 * kChunkSize);
  const Bytes sealed = seal_payload(plaintext);
  const auto chunk = [](std::size_t index) {
    return static_cast<std::ptrdiff_t>(kNonceSize + index * kSealedChunkSize);
  };
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      Bytes altered = sealed;
      std::swap_ranges(altered.begin() + chunk(i), altered.begin() + chunk(i + 1),
                       altered.begin() + chunk(j));
      expect_refused(altered, plaintext, std::to_string(i) + " and " + std::to_string(j));
    }
  }
}

TEST(Stream, WithAChunkLeftOutOrRepeatedIsRefused) {
  const Bytes plaintext = some_bytes(5 * kChunkSize);
  const Bytes sealed = seal_payload(plaintext);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto begin = static_cast<std::ptrdiff_t>(kNonceSize + i * kSealedChunkSize);
    const auto end = begin + static_cast<std::ptrdiff_t>(kSealedChunkSize);
    Bytes without = sealed;
    without.erase(without.begin() + begin, without.begin() + end);
    expect_refused(without, plaintext, "without " + std::to_string(i));
    Bytes twice = sealed;
    twice.insert(twice.begin() + begin, sealed.begin() + begin, sealed.begin() + end);
    expect_refused(twice, plaintext, "twice " + std::to_string(i));
  }
}

TEST(Stream, WithAnythingAppendedIsRefused) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kChunkSize, kPlainRow}) {
    const Bytes plaintext = some_bytes(size);
    for (const std::size_t more :
         {std::size_t{1}, std::size_t{16}, std::size_t{17}, kSealedChunkSize, kRowSize}) {
      Bytes altered = seal_payload(plaintext);
      altered.resize(altered.size() + more);
      expect_refused(altered, plaintext, std::to_string(size) + " and " + std::to_string(more));
    }
  }
}

// The one end that age forbids: the plaintext of whole chunks, then a last chunk with nothing in
// it.
TEST(Stream, WithAnEmptyLastChunkBehindOthersIsRefused) {
  Bytes payload(kTestNonce.begin(), kTestNonce.end());
  Bytes message = some_bytes(kChunkSize);
  message.resize(kSealedChunkSize);
  AeadSealer aead(payload_key(test_file_key(), kTestNonce));
  aead.seal(chunk_nonce(0, false), message);
  payload.insert(payload.end(), message.begin(), message.end());
  message.resize(kTagSize);
  aead.seal(chunk_nonce(1, true), message);
  payload.insert(payload.end(), message.begin(), message.end());
  const Opened opened = open_payload(payload);
  EXPECT_EQ(opened.error, ErrorCode::kIntegrity);
  EXPECT_EQ(opened.plaintext.size(), kChunkSize);
}

TEST(Stream, UnderAnotherFileKeyIsRefused) {
  const Bytes sealed = seal_payload(some_bytes(100));
  ViewSource source(sealed);
  Opener opener(random_file_key(), source);
  EXPECT_EQ(code_of([&] { opener.next(); }), ErrorCode::kIntegrity);
}

TEST(Stream, UnderAnotherNonceThanExpectedIsRefusedBeforeAnythingIsOpened) {
  const Bytes sealed = seal_payload(some_bytes(100));
  EXPECT_EQ(open_payload(sealed, 1, SIZE_MAX, &kTestNonce).error, std::nullopt);
  PayloadNonce other = kTestNonce;
  other[15] ^= 1;
  EXPECT_EQ(open_payload(sealed, 1, SIZE_MAX, &other).error, ErrorCode::kIntegrity);
}

// Gives `size` bytes, then throws.
class FailingSource final : public Source {
 public:
  explicit FailingSource(std::size_t size) : bytes_(some_bytes(size)) {}
  ByteView next() override {
    if (given_ == bytes_.size()) throw Error(ErrorCode::kTruncatedBody, "cut");
    const ByteView piece =
        ByteView(bytes_).subspan(given_, std::min<std::size_t>(10'000, bytes_.size() - given_));
    given_ += piece.size();
    return piece;
  }

 private:
  const Bytes bytes_;
  std::size_t given_ = 0;
};

TEST(Sealer, MakesNoLastChunkOnceItsSourceHasThrown) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, kChunkSize, kPlainRow, kPlainRow + 1, 3 * kPlainRow + 5}) {
    for (const unsigned threads : {1U, 2U}) {
      FailingSource source(size);
      Sealer sealer(test_file_key(), kTestNonce, source, threads);
      Bytes payload(kTestNonce.begin(), kTestNonce.end());
      EXPECT_EQ(code_of([&] {
                  while (const auto row = sealer.next())
                    payload.insert(payload.end(), row->view().begin(), row->view().end());
                }),
                ErrorCode::kTruncatedBody);
      EXPECT_EQ(code_of([&] { sealer.next(); }), ErrorCode::kInternal) << "nor later";
      EXPECT_EQ(open_payload(payload).error, ErrorCode::kIntegrity) << size;
    }
  }
}

TEST(Opener, StaysSpentOnceItHasThrown) {
  Bytes sealed = seal_payload(some_bytes(2 * kChunkSize));
  sealed[kNonceSize] ^= 1;
  ViewSource source(sealed);
  Opener opener(test_file_key(), source);
  EXPECT_EQ(code_of([&] { opener.next(); }), ErrorCode::kIntegrity);
  EXPECT_EQ(code_of([&] { opener.next(); }), ErrorCode::kInternal);
}

TEST(Opener, PassesOnWhatItsSourceThrows) {
  FailingSource source(kRowSize);
  Opener opener(test_file_key(), source, nullptr, 2);
  EXPECT_EQ(code_of([&] { opener.next(); }), ErrorCode::kTruncatedBody);
}

TEST(Sealer, CanBeGivenUpInTheMiddle) {
  const Bytes plaintext = some_bytes(4 * kPlainRow);
  for (int i = 0; i < 20; ++i) {
    ViewSource source(plaintext);
    Sealer sealer(test_file_key(), kTestNonce, source, 3);
    ASSERT_TRUE(sealer.next());
  }
}

TEST(PayloadNonce, FollowsFromKeyAndFileId) {
  const Uuid id = Uuid::v7();
  EXPECT_EQ(payload_nonce(test_file_key(), id), payload_nonce(test_file_key(), id));
  EXPECT_NE(payload_nonce(test_file_key(), id), payload_nonce(test_file_key(), Uuid::v7()));
  EXPECT_NE(payload_nonce(test_file_key(), id), payload_nonce(random_file_key(), id));
}

TEST(ChunkNonce, CountsBigEndianInElevenBytesAndMarksTheLast) {
  EXPECT_EQ(to_hex(chunk_nonce(0, false)), "000000000000000000000000");
  EXPECT_EQ(to_hex(chunk_nonce(0, true)), "000000000000000000000001");
  EXPECT_EQ(to_hex(chunk_nonce(0x0102030405060708, true)), "000000010203040506070801");
}

TEST(ChunkNonce, StopsBeforeItsCounterWouldWrap) {
  EXPECT_NO_THROW(chunk_nonce(UINT64_MAX - 1, false));
  EXPECT_EQ(code_of([] { chunk_nonce(UINT64_MAX, true); }), ErrorCode::kTooLarge);
}

// --- Screener -----------------------------------------------------------------------------------

struct Screened {
  std::vector<std::size_t> rows;
  Bytes bytes;
  std::optional<ErrorCode> error;
};

Screened screen(ByteView payload, std::size_t piece = 100'000) {
  Screened screened;
  screened.error = code_of([&] {
    ViewSource source(payload, piece);
    Screener screener(source);
    screened.bytes.assign(screener.nonce().begin(), screener.nonce().end());
    while (const auto row = screener.next()) {
      screened.rows.push_back(row->size());
      screened.bytes.insert(screened.bytes.end(), row->view().begin(), row->view().end());
    }
  });
  return screened;
}

TEST(Screener, PassesOnWhatASealerMadeInTheSameRows) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunkSize, kChunkSize + 1,
                                 kPlainRow, kPlainRow + 1, 2 * kPlainRow}) {
    const Bytes plaintext = some_bytes(size);
    const Bytes sealed = seal_payload(plaintext);
    const Screened screened = screen(sealed);
    EXPECT_EQ(screened.error, std::nullopt) << size;
    EXPECT_TRUE(screened.bytes == sealed);
    std::vector<std::size_t> rows;
    for (const Bytes& row : rows_of(plaintext)) rows.push_back(row.size());
    EXPECT_EQ(screened.rows, rows);
  }
}

TEST(Screener, RefusesFramingThatNoSealerMakes) {
  const auto code = [](std::size_t behind_nonce) {
    return screen(Bytes(kNonceSize + behind_nonce)).error;
  };
  for (std::size_t size = 0; size < kNonceSize; ++size)
    EXPECT_EQ(screen(Bytes(size)).error, ErrorCode::kMalformed) << size;
  for (const std::size_t before : {std::size_t{0}, kSealedChunkSize, kRowSize}) {
    for (std::size_t size = 1; size < kTagSize; ++size)
      EXPECT_EQ(code(before + size), ErrorCode::kMalformed) << before << " + " << size;
    EXPECT_EQ(code(before + 17), std::nullopt);
  }
  EXPECT_EQ(code(0), ErrorCode::kMalformed) << "no chunk";
  EXPECT_EQ(code(16), std::nullopt) << "one empty chunk";
  EXPECT_EQ(code(kSealedChunkSize + 16), ErrorCode::kMalformed) << "an empty chunk behind another";
  EXPECT_EQ(code(kRowSize + 16), ErrorCode::kMalformed) << "an empty chunk behind a row";
  EXPECT_EQ(code(kSealedChunkSize), std::nullopt);
  EXPECT_EQ(code(kRowSize), std::nullopt);
}

}  // namespace
}  // namespace letterbox::crypto
