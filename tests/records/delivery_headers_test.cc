#include "records/delivery_headers.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/header.h"
#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

const crypto::CoverHash kCover = crypto::sha256(as_bytes("a cover"));
const Uuid kEarly = Uuid::parse("01997d3c-59ff-7000-8000-000000000001").value();
const Uuid kLate = Uuid::parse("01997d3c-59ff-7000-8000-000000000002").value();

Bytes header(std::size_t recipients, const crypto::CoverHash& cover = kCover) {
  std::vector<crypto::X25519Recipient> to;
  for (std::size_t i = 0; i < recipients; ++i)
    to.push_back(crypto::X25519Identity::generate().recipient());
  return crypto::seal_header(crypto::random_file_key(), cover, to);
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<FileHeaders> read(const Bytes& bytes, std::size_t recipients = 2) {
  ViewSource source(bytes, 7);
  HeadersReader reader(source);
  std::vector<FileHeaders> read;
  while (auto headers = reader.next(kCover, recipients)) read.push_back(*std::move(headers));
  return read;
}

ErrorCode refused(const Bytes& bytes, std::size_t recipients = 2) {
  return thrown_by([&] { read(bytes, recipients); });
}

TEST(DeliveryHeadersTest, AreReadAsTheyWereWritten) {
  const FileHeaders one{kEarly, header(2), header(2)};
  const FileHeaders two{kLate, header(2), {}};
  const auto back = read(joined({headers_frame(one), headers_frame(two)}));
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].file, one.file);
  EXPECT_EQ(back[0].header, one.header);
  EXPECT_EQ(back[0].index_header, one.index_header);
  EXPECT_EQ(back[1].header, two.header);
  EXPECT_TRUE(back[1].index_header.empty());
  EXPECT_TRUE(read({}).empty());
}

TEST(DeliveryHeadersTest, OfADeliveryHaveNonces) {
  const FileBeginnings one{kEarly, {header(2), {1, 2}}, Beginning{header(2), {3, 4}}};
  const FileBeginnings two{kLate, {header(2), {5, 6}}, std::nullopt};
  const Bytes both = joined({beginnings_frame(one), beginnings_frame(two)});
  ViewSource source(both, 7);
  HeadersReader reader(source);
  const auto first = reader.next_beginnings(kCover, 2);
  ASSERT_TRUE(first && first->index);
  EXPECT_EQ(first->payload.header, one.payload.header);
  EXPECT_EQ(first->payload.nonce, one.payload.nonce);
  EXPECT_EQ(first->index->header, one.index->header);
  EXPECT_EQ(first->index->nonce, one.index->nonce);
  const auto second = reader.next_beginnings(kCover, 2);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->payload.nonce, two.payload.nonce);
  EXPECT_FALSE(second->index);
  EXPECT_FALSE(reader.next_beginnings(kCover, 2));
  // Neither passes for the other.
  EXPECT_EQ(refused(both), ErrorCode::kMalformed);
  ViewSource without(both);
  HeadersReader other(without);
  EXPECT_EQ(thrown_by([&] { other.next_beginnings(kCover, 1); }), ErrorCode::kMalformed);
}

TEST(DeliveryHeadersTest, CutAnywhereTheyAreRefused) {
  const Bytes whole = headers_frame({kEarly, header(2), header(2)});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ASSERT_EQ(refused({whole.begin(), whole.begin() + static_cast<long>(size)}),
              ErrorCode::kMalformed)
        << size;
  }
}

TEST(DeliveryHeadersTest, ComeInOrderAndOnce) {
  const Bytes early = headers_frame({kEarly, header(2), {}});
  const Bytes late = headers_frame({kLate, header(2), {}});
  EXPECT_EQ(refused(joined({late, early})), ErrorCode::kMalformed);
  EXPECT_EQ(refused(joined({early, early})), ErrorCode::kMalformed);
}

TEST(DeliveryHeadersTest, AreThoseThatTheCoverAllows) {
  // Of another length, whether announced or there.
  EXPECT_EQ(refused(headers_frame({kEarly, header(1), {}})), ErrorCode::kMalformed);
  EXPECT_EQ(refused(headers_frame({kEarly, header(2), header(3)})), ErrorCode::kMalformed);
  EXPECT_EQ(refused(headers_frame({kEarly, {}, header(2)})), ErrorCode::kMalformed);
  Bytes endless = headers_frame({kEarly, header(2), {}});
  std::fill_n(endless.begin() + 16, 4, Byte{0xff});
  EXPECT_EQ(refused(endless), ErrorCode::kMalformed);
  // Of the right length, under another cover, or no header at all.
  EXPECT_EQ(refused(headers_frame({kEarly, header(2, crypto::sha256({})), {}})),
            ErrorCode::kCoverMismatch);
  EXPECT_EQ(refused(headers_frame({kEarly, Bytes(crypto::header_size(2)), {}})),
            ErrorCode::kMalformed);
  Bytes other_type = header(2);
  const std::string_view type = "-> X25519 ";
  const auto stanza = std::search(other_type.begin(), other_type.end(), type.begin(), type.end());
  stanza[3] = 'Y';
  EXPECT_EQ(refused(headers_frame({kEarly, other_type, {}})), ErrorCode::kCoverMismatch);
}

TEST(DeliveryHeadersTest, AChangeBeginsWithItsCover) {
  const Envelope envelope = sign(kCoverType, as_bytes("{}"), signing_key());
  const Bytes change = joined({cover_frame(envelope), headers_frame({kEarly, header(2), {}})});
  ViewSource source(change, 100);
  HeadersReader reader(source);
  EXPECT_EQ(to_json(reader.cover()), to_json(envelope));
  EXPECT_TRUE(reader.next(kCover, 2));
  EXPECT_FALSE(reader.next(kCover, 2));
}

TEST(DeliveryHeadersTest, ACoverOverItsLimitIsRefusedBeforeItIsTaken) {
  class Endless final : public Source {
   public:
    ByteView next() override {
      EXPECT_EQ(++pulls_, 1) << "more was pulled than the length";
      return bytes_;
    }

   private:
    int pulls_ = 0;
    Bytes bytes_ = {0x00, 0x10, 0x00, 0x01};  // 1 MiB and a byte
  };
  Endless source;
  HeadersReader reader(source);
  EXPECT_EQ(thrown_by([&] { reader.cover(); }), ErrorCode::kTooLarge);
  const Envelope large = sign(kCoverType, Bytes(kMaxCoverFrame), signing_key());
  EXPECT_EQ(thrown_by([&] { cover_frame(large); }), ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace letterbox::records
