#include "records/receipt.h"

#include <gtest/gtest.h>

#include "records/deletion_receipt.h"
#include "tests/records/fixtures.h"

namespace letterbox::records {
namespace {

const Uuid kDelivery = Uuid::parse("01997d3c-59ff-7000-8000-000000000001").value();

Receipt receipt() {
  return {.delivery = kDelivery,
          .manifest = {1, 2, 3},
          .recipient = crypto::X25519Identity::generate().recipient(),
          .opened = time_of("2026-11-24T08:00:00Z")};
}

DeletionReceipt deletion() {
  return {.delivery = kDelivery,
          .cover = {1, 2, 3},
          .deleted = time_of("2026-11-25T08:00:00Z"),
          .backups_lapse = time_of("2026-12-25T08:00:00Z")};
}

TEST(ReceiptTest, SaysWhatWasSigned) {
  const Receipt said = receipt();
  const Receipt read =
      verify_receipt(sign_receipt(said, signing_key()), signing_key().verify_key());
  EXPECT_EQ(read.delivery, said.delivery);
  EXPECT_EQ(read.manifest, said.manifest);
  EXPECT_EQ(read.recipient, said.recipient);
  EXPECT_EQ(read.opened, said.opened);
}

TEST(ReceiptTest, RefusesAnotherSignerTypeAndForm) {
  const Envelope envelope = sign_receipt(receipt(), signing_key());
  EXPECT_EQ(thrown_by([&] { verify_receipt(envelope, signing_key(2).verify_key()); }),
            ErrorCode::kBadSignature);
  EXPECT_EQ(thrown_by([&] { verify_deletion_receipt(envelope, signing_key().verify_key()); }),
            ErrorCode::kBadSignature);
  const std::string text = text_of(envelope);
  const auto expect_refused = [](const std::string& changed) {
    EXPECT_EQ(thrown_by([&] { parse_receipt(as_bytes(changed)); }), ErrorCode::kMalformed)
        << changed;
  };
  expect_refused("");
  expect_refused(with(text, "{", "{\"by\":\"x\","));
  expect_refused(with(text, "\"age1", "\"AGE1"));
  expect_refused(with(text, "08:00:00Z", "08:00:00+00:00"));
  expect_refused(with(text, "=\"", "\""));
}

TEST(DeletionReceiptTest, SaysWhatWasSigned) {
  const DeletionReceipt said = deletion();
  const Envelope envelope = sign_deletion_receipt(said, signing_key());
  EXPECT_NE(text_of(envelope).find("\"store\":\"live\""), std::string::npos);
  const DeletionReceipt read = verify_deletion_receipt(envelope, signing_key().verify_key());
  EXPECT_EQ(read.delivery, said.delivery);
  EXPECT_EQ(read.cover, said.cover);
  EXPECT_EQ(read.deleted, said.deleted);
  EXPECT_EQ(read.backups_lapse, said.backups_lapse);
}

TEST(DeletionReceiptTest, PromisesNoDateThatNobodyNamed) {
  DeletionReceipt said = deletion();
  said.backups_lapse.reset();
  const Envelope envelope = sign_deletion_receipt(said, signing_key());
  EXPECT_NE(text_of(envelope).find("\"backups_lapse\":null"), std::string::npos);
  EXPECT_EQ(verify_deletion_receipt(envelope, signing_key().verify_key()).backups_lapse,
            std::nullopt);
}

TEST(DeletionReceiptTest, ClaimsNoMoreThanCanBeSo) {
  const std::string text = text_of(sign_deletion_receipt(deletion(), signing_key()));
  const auto expect_refused = [](const std::string& changed) {
    const Envelope envelope = sign(kDeletionReceiptType, as_bytes(changed), signing_key());
    EXPECT_EQ(thrown_by([&] { verify_deletion_receipt(envelope, signing_key().verify_key()); }),
              ErrorCode::kMalformed)
        << changed;
  };
  expect_refused(with(text, "\"live\"", "\"all\""));
  expect_refused(with(text, "\"live\"", "null"));
  expect_refused(with(text, "2026-12-25", "2026-11-24"));
  expect_refused(with(text, "\"2026-12-25T08:00:00Z\"", "0"));
  expect_refused(with(text, "{", "{\"copies\":0,"));
  DeletionReceipt backwards = deletion();
  backwards.backups_lapse = backwards.deleted - std::chrono::seconds(1);
  EXPECT_EQ(thrown_by([&] { sign_deletion_receipt(backwards, signing_key()); }),
            ErrorCode::kMalformed);
}

}  // namespace
}  // namespace letterbox::records
