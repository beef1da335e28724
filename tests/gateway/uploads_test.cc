// Uploads that break off and go on, on an in-memory shelf with real crypto.
#include "gateway/uploads.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/header.h"
#include "tests/gateway/letters.h"

namespace letterbox::gateway {
namespace {

// A body that isn't the one that was signed for.
class AnotherBody final : public Source {
 public:
  explicit AnotherBody(Bytes bytes) : bytes_(std::move(bytes)) {}
  ByteView next() override {
    if (given_) throw Error(ErrorCode::kUnauthenticated, "another body");
    given_ = true;
    return bytes_;
  }

 private:
  Bytes bytes_;
  bool given_ = false;
};

class Uploads : public LetterTest {
 protected:
  storage::Upload begin(std::uint64_t length, const Uuid& file = Uuid::v7()) {
    return begin_upload(*shelf_, gateway_key_.verify_key(), sender_, cover_.cover.delivery, file,
                        length, std::uint64_t{1} << 40);
  }

  std::uint64_t go_on(const Uuid& id, std::uint64_t offset, Source& body) {
    return continue_upload(*shelf_, gateway_key_.verify_key(), sender_, id, offset, body).offset;
  }

  std::uint64_t go_on(const Uuid& id, std::uint64_t offset, ByteView bytes) {
    ViewSource body(bytes, 100'000);
    return go_on(id, offset, body);
  }

  std::uint64_t stands(const Uuid& id) {
    const auto upload = shelf_->uploads().find(sender_.tenant, id, records::now());
    return upload ? upload->offset : UINT64_MAX;
  }

  void close_over(const Sealed& sealed) {
    const ByteView payload =
        ByteView(sealed.bytes).subspan(crypto::header_size(cover_.cover.recipients.size()));
    close(cover_, {{sealed.id, payload.size(), crypto::sha256(payload)}});
  }

  const records::SignedCover cover_ = opened();
};

// Wherever it is cut into pieces, header and nonce and rows and all.
TEST_F(Uploads, HoweverItIsCutItIsTheSameFile) {
  const Sealed whole = seal(cover_, Bytes(2 * crypto::kChunksPerRow * crypto::kChunkSize, 'Z'));
  const std::size_t head = crypto::header_size(cover_.cover.recipients.size());
  const std::size_t row = head + 16 + crypto::kRowSize;
  for (const std::vector<std::size_t>& cuts :
       std::vector<std::vector<std::size_t>>{{},
                                             {1, head - 1, head, head + 1, head + 15},
                                             {head + 16, row - 1, row, row + 1},
                                             {row, row + crypto::kRowSize - 1},
                                             {whole.bytes.size() - 1}}) {
    const records::SignedCover& cover = cover_;
    Sealed sealed = seal(cover, Bytes(2 * crypto::kChunksPerRow * crypto::kChunkSize, 'Z'));
    ASSERT_EQ(sealed.bytes.size(), whole.bytes.size());
    const Uuid id = begin(sealed.bytes.size(), sealed.id).made.id;
    std::size_t offset = 0;
    for (const std::size_t cut : cuts) {
      EXPECT_EQ(go_on(id, offset, ByteView(sealed.bytes).subspan(offset, cut - offset)), cut);
      offset = cut;
    }
    EXPECT_EQ(go_on(id, offset, ByteView(sealed.bytes).subspan(offset)), sealed.bytes.size());
    EXPECT_EQ(stands(id), sealed.bytes.size());
    const auto delivery = shelf_->deliveries().find(sender_.tenant, cover.cover.delivery);
    const auto found = std::ranges::find(delivery->files, sealed.id, &storage::FileSummary::id);
    ASSERT_NE(found, delivery->files.end());
    EXPECT_EQ(found->payload_sha256, crypto::sha256(ByteView(sealed.bytes).subspan(head)));
  }
}

TEST_F(Uploads, WhatCameBeforeABreakIsKeptToTheByte) {
  const Sealed sealed = seal(cover_, Bytes(3'000'000, 'Z'));
  const Uuid id = begin(sealed.bytes.size(), sealed.id).made.id;
  std::size_t offset = 0;
  for (const std::size_t piece : {std::size_t{100}, std::size_t{1'500'000}, std::size_t{1}}) {
    const auto begin = sealed.bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    Broken body(Bytes(begin, begin + static_cast<std::ptrdiff_t>(piece)));
    EXPECT_EQ(refusal_of([&] { go_on(id, offset, body); }), ErrorCode::kTruncatedBody);
    offset += piece;
    EXPECT_EQ(stands(id), offset);
  }
  // A whole file whose body doesn't end isn't one.
  Broken rest(
      Bytes(sealed.bytes.begin() + static_cast<std::ptrdiff_t>(offset), sealed.bytes.end()));
  EXPECT_EQ(refusal_of([&] { go_on(id, offset, rest); }), ErrorCode::kTruncatedBody);
  EXPECT_LT(stands(id), sealed.bytes.size());
  go_on(id, stands(id), ByteView(sealed.bytes).subspan(stands(id)));
  close_over(sealed);
  EXPECT_EQ(stored(sealed.id), sealed.bytes);
}

TEST_F(Uploads, ABodyThatIsntTheAnnouncedOneChangesNothing) {
  const Sealed sealed = seal(cover_, Bytes(3'000'000, 'Z'));
  const Uuid id = begin(sealed.bytes.size(), sealed.id).made.id;
  go_on(id, 0, ByteView(sealed.bytes).first(1'200'000));
  // Two rows more, which were durable before their end was there.
  AnotherBody body(Bytes(sealed.bytes.begin() + 1'200'000, sealed.bytes.end()));
  EXPECT_EQ(refusal_of([&] { go_on(id, 1'200'000, body); }), ErrorCode::kUnauthenticated);
  EXPECT_EQ(stands(id), 1'200'000u);
  go_on(id, 1'200'000, ByteView(sealed.bytes).subspan(1'200'000));
  close_over(sealed);
  EXPECT_EQ(stored(sealed.id), sealed.bytes);
}

TEST_F(Uploads, GoesOnWhereItStandsAndNowhereElse) {
  const Sealed sealed = seal(cover_, Bytes(100, 'Z'));
  const Uuid id = begin(sealed.bytes.size(), sealed.id).made.id;
  go_on(id, 0, ByteView(sealed.bytes).first(10));
  for (const std::uint64_t offset : {0u, 9u, 11u}) {
    EXPECT_EQ(refusal_of([&] { go_on(id, offset, ByteView(sealed.bytes)); }),
              ErrorCode::kOffsetMismatch);
  }
  EXPECT_EQ(refusal_of([&] { go_on(id, 10, ByteView(sealed.bytes)); }), ErrorCode::kTooLarge);
  EXPECT_EQ(go_on(id, 10, ByteView(sealed.bytes).subspan(10)), sealed.bytes.size());
  // Who didn't hear the answer may ask again.
  EXPECT_EQ(go_on(id, sealed.bytes.size(), ByteView()), sealed.bytes.size());
  EXPECT_EQ(refusal_of([&] { go_on(id, sealed.bytes.size(), ByteView(sealed.bytes)); }),
            ErrorCode::kTooLarge);
}

TEST_F(Uploads, OneWritesAtATime) {
  const Sealed sealed = seal(cover_, Bytes(100, 'Z'));
  const Uuid id = begin(sealed.bytes.size(), sealed.id).made.id;
  auto writer = shelf_->uploads().resume(sender_.tenant, id, records::now());
  EXPECT_EQ(refusal_of([&] { go_on(id, 0, ByteView(sealed.bytes)); }), ErrorCode::kLocked);
  writer.reset();
  EXPECT_EQ(go_on(id, 0, ByteView(sealed.bytes)), sealed.bytes.size());
}

// What deposit_sealed refuses, this does too.
TEST_F(Uploads, TakesNothingThatIsNoFileOfTheDelivery) {
  EXPECT_EQ(refusal_of([&] { begin(100); }), ErrorCode::kNotWhatItClaims) << "shorter than any";

  const Sealed other = seal(opened(), Bytes(100, 'Z'));
  Uuid id = begin(other.bytes.size()).made.id;
  EXPECT_EQ(refusal_of([&] { go_on(id, 0, ByteView(other.bytes)); }), ErrorCode::kCoverMismatch);
  EXPECT_EQ(stands(id), 0u);

  id = begin(5000).made.id;
  EXPECT_EQ(refusal_of([&] { go_on(id, 0, Bytes(5000, 'x')); }), ErrorCode::kNotWhatItClaims);

  // A last chunk that is shorter than its tag.
  Sealed cut = seal(cover_, Bytes(crypto::kChunkSize + 10, 'Z'));
  cut.bytes.resize(cut.bytes.size() - 15);
  id = begin(cut.bytes.size()).made.id;
  EXPECT_EQ(refusal_of([&] { go_on(id, 0, ByteView(cut.bytes)); }), ErrorCode::kNotWhatItClaims);
}

TEST_F(Uploads, EndsWithItsDelivery) {
  const Sealed sealed = seal(cover_, Bytes(100, 'Z'));
  const Uuid done = begin(sealed.bytes.size(), sealed.id).made.id;
  go_on(done, 0, ByteView(sealed.bytes));
  const Uuid undone = begin(sealed.bytes.size()).made.id;
  close_over(sealed);
  EXPECT_EQ(stands(done), sealed.bytes.size());
  EXPECT_EQ(stands(undone), UINT64_MAX);
  EXPECT_EQ(refusal_of([&] { begin(sealed.bytes.size()); }), ErrorCode::kConflict);
}

}  // namespace
}  // namespace letterbox::gateway
