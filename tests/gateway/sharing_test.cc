// Sharing on, confirming, receipts and taking back, on an in-memory shelf with real crypto. The
// rules of the chain have tests of their own (tests/records); here they must be asked, and what the
// gateway adds to them must hold.
#include "gateway/sharing.h"

#include <set>

#include "crypto/hash.h"
#include "crypto/header.h"
#include "gateway/covers.h"
#include "gateway/delivery_headers.h"
#include "gateway/deposit.h"
#include "gateway/identity/authority.h"
#include "gateway/openings.h"
#include "gateway/take_back.h"
#include "records/cover_chain.h"
#include "records/deletion_receipt.h"
#include "records/delivery_headers.h"
#include "records/receipt.h"
#include "tests/gateway/letters.h"

namespace letterbox::gateway {
namespace {

class Sharing : public LetterTest {
 protected:
  Sharing() {
    ward_.enrol(*shelf_, gateway_key_.verify_key());
    std::set<Uuid> ids;
    while (ids.size() < 3) ids.insert(Uuid::v7());
    for (const Uuid& id : ids) {
      Keyed file{id, crypto::random_file_key()};
      const crypto::PayloadNonce nonce = crypto::payload_nonce(file.key, file.id);
      Bytes bytes = crypto::seal_header(file.key, cover_.hash, cover_.cover.keys());
      bytes.insert(bytes.end(), nonce.begin(), nonce.end());
      ViewSource plaintext(as_bytes("a letter"));
      crypto::Sealer rows(file.key, nonce, plaintext);
      const auto row = rows.next();
      bytes.insert(bytes.end(), row->view().begin(), row->view().end());
      ViewSource body(bytes);
      const auto stored = deposit_sealed(body, file.id, cover_, sender_, shelf_->blobs());
      entries_.push_back({file.id, stored.payload_length, stored.payload_sha256});
      files_.push_back(std::move(file));
    }
    close(cover_, entries_);
  }

  struct Keyed {
    Uuid id;
    crypto::FileKey key;
  };

  records::SignedCover next(const records::SignedCover& before,
                            const std::vector<const TestDevice*>& devices,
                            const TestDevice& maker) {
    std::vector<records::CoverRecipient> recipients;
    for (const TestDevice* device : devices) {
      recipients.push_back({device->handle, device->identity.recipient(), std::nullopt});
    }
    return records::sign_cover(records::next_cover(before, recipients, records::now()), maker.key);
  }

  Bytes change_of(const records::SignedCover& cover, std::size_t files = SIZE_MAX) {
    Bytes body = records::cover_frame(cover.envelope);
    for (const Keyed& file : files_) {
      if (files-- == 0) break;
      const Bytes frame = records::headers_frame(
          {file.id, crypto::seal_header(file.key, cover.hash, cover.cover.keys()), {}});
      body.insert(body.end(), frame.begin(), frame.end());
    }
    return body;
  }

  void change(const TestDevice& who, ByteView bytes, const char* if_match = "\"v1\"") {
    ViewSource body(bytes, 100);
    change_recipients(*shelf_, gateway_key_.verify_key(), caller(who), id(), if_match, body);
  }

  Bytes headers(std::optional<std::uint32_t> version = {}) {
    const auto delivery = shelf_->deliveries().find(sender_.tenant, id());
    const auto current = static_cast<std::uint32_t>(delivery->covers.size());
    const std::uint32_t wanted = version.value_or(current);
    if (wanted == 0 || wanted > current) return {};
    const records::Cover cover = read_cover(delivery->covers.at(wanted - 1));
    const auto found = collect_headers(*shelf_, sender_.tenant, id(),
                                       {wanted, wanted != current, cover.recipients.size(),
                                        delivery->files.size(), delivery->indexes.size()});
    if (!found) return {};
    Bytes bytes = read_all(*found->content, SIZE_MAX);
    EXPECT_EQ(bytes.size(), found->length);
    return bytes;
  }

  // What collect_headers should give out under this cover.
  Bytes frames(const records::SignedCover& cover) {
    Bytes all;
    for (const Keyed& file : files_) {
      const Bytes frame =
          records::beginnings_frame({file.id,
                                     {crypto::seal_header(file.key, cover.hash, cover.cover.keys()),
                                      crypto::payload_nonce(file.key, file.id)},
                                     {}});
      all.insert(all.end(), frame.begin(), frame.end());
    }
    return all;
  }

  bool in_inbox(const TestDevice& device) {
    return !shelf_->deliveries()
                .inbox(sender_.tenant, device.identity.recipient().text(), std::nullopt, 10)
                .deliveries.empty();
  }

  Uuid id() const { return cover_.cover.delivery; }

  TestDevice ward_{"ward@hospital.example"};
  const records::SignedCover cover_ = opened();
  std::vector<Keyed> files_;
  std::vector<records::ManifestEntry> entries_;
};

TEST_F(Sharing, ANewRecipientGetsAllHeadersAtOnceAndTheFormerOnesAreKept) {
  EXPECT_EQ(headers(), frames(cover_));
  const records::SignedCover cover = next(cover_, {&surgeon_, &radiology_, &ward_}, surgeon_);
  EXPECT_FALSE(in_inbox(ward_));
  change(surgeon_, change_of(cover));
  EXPECT_TRUE(in_inbox(ward_));
  EXPECT_EQ(headers(), frames(cover));
  EXPECT_EQ(headers(2), frames(cover));
  EXPECT_EQ(headers(1), frames(cover_));
  EXPECT_EQ(headers(3), Bytes());

  // Who lost the answer asks again, and nobody is told of a conflict.
  change(surgeon_, change_of(cover));
  EXPECT_EQ(shelf_->deliveries().find(sender_.tenant, id())->covers.size(), 2u);
}

TEST_F(Sharing, WhatDoesntFollowIsRefusedWhole) {
  const records::SignedCover good = next(cover_, {&surgeon_, &radiology_, &ward_}, surgeon_);
  TestDevice stranger{"stranger@hospital.example"};
  const auto refused = [&](const TestDevice& who, ByteView body, const char* if_match = "\"v1\"") {
    return refusal_of([&] { change(who, body, if_match); });
  };
  EXPECT_EQ(refused(surgeon_, change_of(good), "\"v2\""), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(refused(surgeon_, change_of(good), "W/\"v1\""), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(refused(radiology_, change_of(good)), ErrorCode::kBadSignature) << "another's cover";
  EXPECT_EQ(refused(surgeon_, change_of(next(cover_, {&surgeon_, &ward_}, surgeon_))),
            ErrorCode::kNotAllowed)
      << "drops another";
  EXPECT_EQ(refused(surgeon_, change_of(next(cover_, {&surgeon_, &radiology_}, surgeon_))),
            ErrorCode::kConflict)
      << "changes nothing";
  EXPECT_EQ(
      refused(surgeon_, change_of(next(cover_, {&surgeon_, &radiology_, &stranger}, surgeon_))),
      ErrorCode::kUnknownRecipient);
  records::Cover late = good.cover;
  late.created += std::chrono::hours{1};
  EXPECT_EQ(refused(surgeon_, change_of(records::sign_cover(late, surgeon_.key))),
            ErrorCode::kMalformed)
      << "made in the future";
  records::Envelope misnamed = good.envelope;
  misnamed.key_id = radiology_.key_id();
  EXPECT_EQ(refused(surgeon_, change_of({good.cover, good.hash, misnamed})),
            ErrorCode::kBadSignature)
      << "or the maker could confirm it";

  EXPECT_EQ(refused(surgeon_, change_of(good, 2)), ErrorCode::kCoverMismatch) << "a file less";
  Bytes more = change_of(good);
  const Bytes frame = records::headers_frame(
      {Uuid::v7(), crypto::seal_header(files_[0].key, good.hash, good.cover.keys()), {}});
  more.insert(more.end(), frame.begin(), frame.end());
  EXPECT_EQ(refused(surgeon_, more), ErrorCode::kCoverMismatch) << "a file more";
  Bytes cut = change_of(good);
  cut.pop_back();
  EXPECT_EQ(refused(surgeon_, cut), ErrorCode::kMalformed);

  EXPECT_EQ(headers(), frames(cover_));
  EXPECT_FALSE(in_inbox(ward_));
}

TEST_F(Sharing, AnotherWhomItWasRemadeForConfirmsAVersion) {
  const records::SignedCover cover = next(cover_, {&surgeon_, &radiology_, &ward_}, surgeon_);
  change(surgeon_, change_of(cover));
  const auto confirm = [&](const TestDevice& who, std::uint32_t version) {
    confirm_version(*shelf_, caller(who), id(), version);
  };
  EXPECT_EQ(refusal_of([&] { confirm(surgeon_, 2); }), ErrorCode::kNotAllowed) << "its maker";
  EXPECT_EQ(refusal_of([&] { confirm(ward_, 2); }), ErrorCode::kNotAllowed) << "new in it";
  EXPECT_EQ(refusal_of([&] { confirm(radiology_, 1); }), ErrorCode::kConflict);
  EXPECT_EQ(refusal_of([&] { confirm(radiology_, 3); }), ErrorCode::kConflict);
  EXPECT_EQ(headers(1), frames(cover_));
  TestDevice theatre{"theatre@hospital.example"};
  theatre.enrol(*shelf_, gateway_key_.verify_key());
  const auto further = next(cover, {&surgeon_, &radiology_, &ward_, &theatre}, surgeon_);
  change(surgeon_, change_of(further), "\"v2\"");
  EXPECT_EQ(headers(2), frames(cover));
  confirm(radiology_, 3);
  EXPECT_EQ(headers(2), Bytes());
  EXPECT_NO_THROW(confirm(radiology_, 3));
  EXPECT_EQ(headers(1), frames(cover_)) << "the sender's own are kept";
}

// Or one who shared garbage could have it confirmed by a device of their own, and lock out the
// rest.
TEST_F(Sharing, NoDeviceOfTheMakersConfirms) {
  TestDevice second{"surgeon@hospital.example"};
  second.enrol(*shelf_, gateway_key_.verify_key());
  shelf_->devices().add_record(sender_.tenant, second.identity.recipient().text(),
                               records::to_json(surgeon_.cosign(second)),
                               {.kind = storage::AuditKind::kEnrolment});
  const auto with_second = next(cover_, {&surgeon_, &second, &radiology_}, surgeon_);
  change(surgeon_, change_of(with_second));
  const auto with_ward = next(with_second, {&surgeon_, &second, &radiology_, &ward_}, surgeon_);
  change(surgeon_, change_of(with_ward), "\"v2\"");
  EXPECT_EQ(refusal_of([&] { confirm_version(*shelf_, caller(second), id(), 3); }),
            ErrorCode::kNotAllowed);
  EXPECT_EQ(headers(1), frames(cover_));
  EXPECT_EQ(headers(2), frames(with_second));
}

TEST_F(Sharing, WhoIsDroppedFindsNothingMore) {
  change(radiology_, change_of(next(cover_, {&radiology_}, radiology_)));
  EXPECT_FALSE(in_inbox(surgeon_));
  const auto audience = shelf_->deliveries().audience(sender_.tenant, id());
  EXPECT_FALSE(receives(caller(surgeon_), *audience));
}

TEST_F(Sharing, AReceiptIsOfItsDeviceAndThisDelivery) {
  const auto delivery = shelf_->deliveries().find(sender_.tenant, id());
  const Digest manifest = records::payload_hash(records::parse_envelope(*delivery->manifest));
  const records::Receipt receipt{id(), manifest, surgeon_.identity.recipient(), records::now()};
  const auto put = [&](records::Receipt said, const crypto::SigningKey& key) {
    put_receipt_of_opening(*shelf_, caller(surgeon_), id(), records::sign_receipt(said, key));
  };
  records::Receipt other_manifest = receipt;
  other_manifest.manifest[0] ^= 1;
  EXPECT_EQ(refusal_of([&] { put(other_manifest, surgeon_.key); }), ErrorCode::kCoverMismatch);
  records::Receipt other_device = receipt;
  other_device.recipient = radiology_.identity.recipient();
  EXPECT_EQ(refusal_of([&] { put(other_device, surgeon_.key); }), ErrorCode::kCoverMismatch);
  records::Receipt other_delivery = receipt;
  other_delivery.delivery = Uuid::v7();
  EXPECT_EQ(refusal_of([&] { put(other_delivery, surgeon_.key); }), ErrorCode::kCoverMismatch);
  EXPECT_EQ(refusal_of([&] { put(receipt, radiology_.key); }), ErrorCode::kBadSignature);

  put(receipt, surgeon_.key);
  put(receipt, surgeon_.key);
  records::Receipt later = receipt;
  later.opened += std::chrono::seconds{1};
  EXPECT_EQ(refusal_of([&] { put(later, surgeon_.key); }), ErrorCode::kConflict);
  const auto sent = shelf_->receipts().find(sender_.tenant, id());
  for (const storage::DeviceProgress& device : sent->devices) {
    EXPECT_EQ(device.opened.has_value(), device.recipient == receipt.recipient.text());
  }
}

TEST_F(Sharing, TakingBackGivesOneReceiptHoweverOftenItIsAsked) {
  const auto take = [&] {
    return take_back(*shelf_, gateway_key_, sender_, *shelf_->receipts().find(sender_.tenant, id()),
                     std::chrono::days{30});
  };
  const records::Time before = records::now();
  const std::string receipt = take();
  EXPECT_EQ(take(), receipt);
  const records::DeletionReceipt said =
      records::verify_deletion_receipt(records::parse_envelope(receipt), gateway_key_.verify_key());
  EXPECT_EQ(said.delivery, id());
  EXPECT_EQ(said.cover, cover_.hash);
  EXPECT_EQ(said.backups_lapse, said.deleted + std::chrono::days{30});
  EXPECT_GT(said.deleted, before) << "of a time at which it is gone, and not when that was asked";
  EXPECT_FALSE(shelf_->blobs().find(sender_.tenant, files_[0].id));
  EXPECT_EQ(shelf_->receipts().find(sender_.tenant, id())->state, storage::DeliveryState::kRevoked);
}

}  // namespace
}  // namespace letterbox::gateway
