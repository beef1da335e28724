// What storage's headers promise of the shelf, held against both stores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <numeric>
#include <thread>

#include "crypto/stream.h"
#include "storage/row_framing.h"
#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

static_assert(kFullRow == crypto::kRowSize);
static_assert(kFullRow == 1'048'832);

class StoreContract : public BothStores {
 protected:
  BlobStore& blobs_ = store_->blobs();
  DeliveryStore& deliveries_ = store_->deliveries();
};

std::vector<Uuid> ids(const std::vector<Delivery>& deliveries) {
  std::vector<Uuid> all;
  for (const Delivery& delivery : deliveries) all.push_back(delivery.id);
  return all;
}

void expect_equal(const FileRecord& found, const FileRecord& stored) {
  EXPECT_EQ(found.id, stored.id);
  EXPECT_EQ(found.delivery, stored.delivery);
  EXPECT_EQ(found.header, stored.header);
  EXPECT_EQ(found.nonce, stored.nonce);
  EXPECT_EQ(found.payload_length, stored.payload_length);
  EXPECT_EQ(found.payload_sha256, stored.payload_sha256);
}

TEST_P(StoreContract, IsInOrderOnceItIsOpen) {
  EXPECT_TRUE(store_->condition().reachable);
  EXPECT_TRUE(store_->condition().schema_current);
}

// --- Files --------------------------------------------------------------------------------------

class StoreContractOfSizes : public ::testing::TestWithParam<std::tuple<Kind, std::size_t>> {};

TEST_P(StoreContractOfSizes, APayloadComesBackByteExactInTheSameRows) {
  const auto [kind, size] = GetParam();
  const auto store = make_store(kind);
  const TenantId tenant = some_tenant(*store);
  const NewDelivery delivery = some_delivery(some_principal(*store, tenant, "sender@here").id);
  const SealedFile file = sealed_file(delivery.id, size);
  deliver(*store, tenant, file, delivery);

  std::vector<std::size_t> pieces;
  EXPECT_EQ(read_payload(*store, tenant, file.record.id, &pieces), file.payload());
  ASSERT_THAT(pieces, SizeIs(file.rows.size()));
  for (std::size_t i = 0; i < pieces.size(); ++i) EXPECT_EQ(pieces[i], file.rows[i].size());
  expect_equal(store->blobs().find(tenant, file.record.id).value(), file.record);
}

INSTANTIATE_TEST_SUITE_P(
    Stores, StoreContractOfSizes,
    ::testing::Combine(::testing::Values(Kind::kMemory, Kind::kPostgres),
                       ::testing::Values(0, 1, 64 * 1024, kPlainRow - 1, kPlainRow, kPlainRow + 1,
                                         2 * kPlainRow, 5 * kPlainRow + 12345)),
    [](const auto& instance) {
      return std::string(std::get<0>(instance.param) == Kind::kMemory ? "Memory" : "Postgres") +
             std::to_string(std::get<1>(instance.param));
    });

TEST_P(StoreContract, AStagedFileIsInvisible) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow);
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_FALSE(blobs_.find(tenant_, file.record.id));
  EXPECT_EQ(error_of([&] { read_payload(*store_, tenant_, file.record.id); }),
            ErrorCode::kNotFound);
  EXPECT_THAT(deliveries_.find(tenant_, delivery.id).value().files, IsEmpty());
}

TEST_P(StoreContract, AFileIsVisibleOnceItsDeliveryIsClosed) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 2 * kPlainRow);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  EXPECT_FALSE(blobs_.find(tenant_, file.record.id));
  EXPECT_EQ(error_of([&] { read_payload(*store_, tenant_, file.record.id); }),
            ErrorCode::kNotFound);

  deliveries_.close(tenant_, delivery.id, "a manifest", {file.record.id}, {}, some_event());
  expect_equal(blobs_.find(tenant_, file.record.id).value(), file.record);
  EXPECT_EQ(read_payload(*store_, tenant_, file.record.id), file.payload());
}

TEST_P(StoreContract, AnUnknownFileIsNotThere) {
  EXPECT_FALSE(blobs_.find(tenant_, Uuid::v7()));
  EXPECT_EQ(error_of([&] { read_payload(*store_, tenant_, Uuid::v7()); }), ErrorCode::kNotFound);
}

TEST_P(StoreContract, ACommitWithoutItsDeliveryIsNotFound) {
  const SealedFile file = sealed_file(Uuid::v7(), 10);
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_EQ(error_of([&] { writer->commit(file.record, nullptr, some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(StoreContract, ACommitIntoAnExpiredDeliveryIsNotFound) {
  const NewDelivery delivery = expired_delivery(sender_);
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 10);
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_EQ(error_of([&] { writer->commit(file.record, nullptr, some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(StoreContract, ACommitIntoAClosedDeliveryIsAConflict) {
  const NewDelivery delivery = some_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery);
  const SealedFile late = sealed_file(delivery.id, 2 * kPlainRow);
  const auto writer = staged(*store_, tenant_, late);
  EXPECT_EQ(error_of([&] { writer->commit(late.record, nullptr, some_event()); }),
            ErrorCode::kConflict);
  EXPECT_FALSE(blobs_.find(tenant_, late.record.id));
}

TEST_P(StoreContract, OfTwoUploadsOfOneFileIdTheFirstToCommitWins) {
  const NewDelivery delivery = opened();
  const SealedFile first = sealed_file(delivery.id, 2 * kPlainRow);
  SealedFile second = sealed_file(delivery.id, 3 * kPlainRow);
  second.record.id = first.record.id;
  const auto one = staged(*store_, tenant_, first);
  const auto other = staged(*store_, tenant_, second);
  one->commit(first.record, nullptr, some_event());
  EXPECT_EQ(error_of([&] { other->commit(second.record, nullptr, some_event()); }),
            ErrorCode::kConflict);
  deliveries_.close(tenant_, delivery.id, "a manifest", {first.record.id}, {}, some_event());
  EXPECT_EQ(read_payload(*store_, tenant_, first.record.id), first.payload());
}

TEST_P(StoreContract, AFileIdOfAnotherDeliveryIsAConflict) {
  const NewDelivery one = some_delivery(sender_);
  const SealedFile file = sealed_file(one.id, 10);
  deliver(*store_, tenant_, file, one);
  const NewDelivery other = some_delivery(sender_);
  SealedFile again = sealed_file(other.id, 10);
  again.record.id = file.record.id;
  EXPECT_EQ(error_of([&] { deliver(*store_, tenant_, again, other); }), ErrorCode::kConflict);
  EXPECT_FALSE(deliveries_.find(tenant_, other.id)) << "the delivery went with its file";
}

TEST_P(StoreContract, ADeliveryOfOneFileWhoseIdIsTakenIsAConflict) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 2 * kPlainRow);
  EXPECT_EQ(error_of([&] { deliver(*store_, tenant_, file, delivery); }), ErrorCode::kConflict);
  EXPECT_FALSE(blobs_.find(tenant_, file.record.id));
}

TEST_P(StoreContract, ARecordThatDoesNotFitWhatWasAppendedIsRefused) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 2 * kPlainRow);
  FileRecord longer = file.record;
  ++longer.payload_length;
  FileRecord renamed = file.record;
  renamed.id = Uuid::v7();
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_EQ(error_of([&] { writer->commit(longer, nullptr, some_event()); }), ErrorCode::kInternal);
  EXPECT_EQ(error_of([&] { writer->commit(renamed, nullptr, some_event()); }),
            ErrorCode::kInternal);
  EXPECT_EQ(error_of([&] {
              writer->commit_as_delivery(file.record, nullptr, some_delivery(sender_), "m",
                                         some_event());
            }),
            ErrorCode::kInternal);
  EXPECT_EQ(error_of([&] {
              blobs_.begin(tenant_, file.record.id)->commit(file.record, nullptr, some_event());
            }),
            ErrorCode::kInternal);
  writer->commit(file.record, nullptr, some_event());
}

TEST_P(StoreContract, NothingFollowsARowThatIsNotFullNorACommit) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, kPlainRow + 1);
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_EQ(error_of([&] { writer->append(file.rows[0]); }), ErrorCode::kInternal);
  writer->commit(file.record, nullptr, some_event());
  EXPECT_EQ(error_of([&] { writer->append(file.rows[0]); }), ErrorCode::kInternal);
  EXPECT_EQ(error_of([&] { writer->commit(file.record, nullptr, some_event()); }),
            ErrorCode::kInternal);
}

TEST_P(StoreContract, AReaderSeesAnExpiredFileAsGone) {
  const NewDelivery delivery = expired_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 10);
  deliver(*store_, tenant_, file, delivery);
  EXPECT_FALSE(blobs_.find(tenant_, file.record.id));
  EXPECT_EQ(error_of([&] { read_payload(*store_, tenant_, file.record.id); }),
            ErrorCode::kNotFound);
}

TEST_P(StoreContract, ManyThreadsWriteAndReadAtOnce) {
  const NewDelivery shared = opened();
  constexpr int kThreads = 6;
  constexpr int kEach = 4;
  std::vector<std::vector<SealedFile>> into_shared(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto rows = static_cast<std::size_t>(i % 3);
        SealedFile file = sealed_file(shared.id, rows * kPlainRow + 7);
        staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
        into_shared[static_cast<std::size_t>(t)].push_back(std::move(file));

        const NewDelivery own = some_delivery(sender_);
        const SealedFile single = sealed_file(own.id, rows * kPlainRow + 9);
        deliver(*store_, tenant_, single, own);
        EXPECT_EQ(read_payload(*store_, tenant_, single.record.id), single.payload());
        EXPECT_THAT(ids(deliveries_.inbox(tenant_, own.recipients[0], std::nullopt, 10).deliveries),
                    ElementsAre(own.id));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::vector<Uuid> all;
  for (const auto& files : into_shared)
    for (const SealedFile& file : files) all.push_back(file.record.id);
  deliveries_.close(tenant_, shared.id, "a manifest", all, {}, some_event());
  for (const auto& files : into_shared)
    for (const SealedFile& file : files) {
      EXPECT_EQ(read_payload(*store_, tenant_, file.record.id), file.payload());
    }
}

TEST_P(StoreContract, OfManyWhoCloseOneDeliveryOneDoes) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  std::atomic<int> closed = 0;
  std::atomic<int> conflicts = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, manifest = "manifest " + std::to_string(t)] {
      const auto error = error_of([&] {
        deliveries_.close(tenant_, delivery.id, manifest, {file.record.id}, {}, some_event());
      });
      if (!error) ++closed;
      if (error == ErrorCode::kConflict) ++conflicts;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(conflicts, 3);
}

// --- Removing -----------------------------------------------------------------------------------

TEST_P(StoreContract, ARemovedFileIsGoneAndItsDeliveryStays) {
  const NewDelivery delivery = opened();
  const SealedFile removed = sealed_file(delivery.id, 2 * kPlainRow);
  const SealedFile kept = sealed_file(delivery.id, 2 * kPlainRow);
  for (const SealedFile& file : {removed, kept}) {
    staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  }
  deliveries_.close(tenant_, delivery.id, "a manifest", {removed.record.id, kept.record.id}, {},
                    some_event());
  const auto reader = blobs_.read(tenant_, removed.record.id, 0);
  EXPECT_EQ(reader->next().size(), kFullRow);

  EXPECT_TRUE(blobs_.remove(tenant_, removed.record.id, some_event()));
  EXPECT_FALSE(blobs_.remove(tenant_, removed.record.id, some_event()));
  EXPECT_FALSE(blobs_.find(tenant_, removed.record.id));
  EXPECT_EQ(error_of([&] { reader->next(); }), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { read_payload(*store_, tenant_, removed.record.id); }),
            ErrorCode::kNotFound);

  EXPECT_EQ(read_payload(*store_, tenant_, kept.record.id), kept.payload());
  const Delivery found = deliveries_.find(tenant_, delivery.id).value();
  EXPECT_EQ(found.state, DeliveryState::kClosed);
  EXPECT_EQ(found.manifest, "a manifest");
  ASSERT_THAT(found.files, SizeIs(1));
  EXPECT_EQ(found.files[0].id, kept.record.id);
  EXPECT_THAT(ids(deliveries_.inbox(tenant_, delivery.recipients[0], std::nullopt, 10).deliveries),
              ElementsAre(delivery.id));
  EXPECT_FALSE(blobs_.remove(tenant_, Uuid::v7(), some_event()));
}

TEST_P(StoreContract, AFileIsRemovedFromAnOpenDeliveryAndAnExpiredOneToo) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  EXPECT_TRUE(blobs_.remove(tenant_, file.record.id, some_event()));
  EXPECT_EQ(error_of([&] {
              deliveries_.close(tenant_, delivery.id, "m", {file.record.id}, {}, some_event());
            }),
            ErrorCode::kConflict);

  const NewDelivery expired = expired_delivery(sender_);
  const SealedFile old = sealed_file(expired.id, 10);
  deliver(*store_, tenant_, old, expired);
  EXPECT_TRUE(blobs_.remove(tenant_, old.record.id, some_event()));
}

TEST_P(StoreContract, OfManyWhoRemoveOneFileOneDoes) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 10);
  deliver(*store_, tenant_, file, delivery);
  std::atomic<int> removed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      if (blobs_.remove(tenant_, file.record.id, some_event())) ++removed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(removed, 1);
}

// --- The record of it ---------------------------------------------------------------------------

TEST_P(StoreContract, AChangeIsRecordedIfAndOnlyIfItHappens) {
  const NewDelivery delivery = some_delivery(sender_);
  const NewDelivery single = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, kPlainRow + 1);
  const SealedFile single_file = sealed_file(single.id, kPlainRow + 1);
  const auto writer = staged(*store_, tenant_, file);
  const auto single_writer = staged(*store_, tenant_, single_file);
  const std::vector<std::function<bool(const AuditEvent&)>> changes = {
      [&](const auto& event) { return deliveries_.open(tenant_, delivery, event); },
      [&](const auto& event) { return writer->commit(file.record, nullptr, event), true; },
      [&](const auto& event) {
        return deliveries_.close(tenant_, delivery.id, "m", {file.record.id}, {}, event);
      },
      [&](const auto& event) {
        return single_writer->commit_as_delivery(single_file.record, nullptr, single, "m", event),
               true;
      },
      [&](const auto& event) { return blobs_.remove(tenant_, file.record.id, event); },
  };
  const auto trail = [&] { return store_->audit().read(tenant_, std::nullopt, 100); };
  AuditEvent unsound = some_event();
  unsound.peer = "192.0.2.1:443";
  for (const auto& change : changes) {
    const std::size_t before = trail().size();
    EXPECT_EQ(error_of([&] { change(unsound); }), ErrorCode::kInternal);
    EXPECT_THAT(trail(), SizeIs(before));

    const AuditEvent event = some_event();
    EXPECT_TRUE(change(event)) << "what couldn't be recorded was done all the same";
    ASSERT_THAT(trail(), SizeIs(before + 1));
    EXPECT_EQ(trail().back().event.object, event.object);

    // Done already: it fails or says so.
    bool again = false;
    const auto error = error_of([&] { again = change(some_event()); });
    EXPECT_TRUE(error || !again);
    EXPECT_THAT(trail(), SizeIs(before + 1));
  }
}

// --- Deliveries ---------------------------------------------------------------------------------

TEST_P(StoreContract, ADeliveryIsFoundAsItWasOpened) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.sealed_by_gateway = true;
  delivery.cover = std::string("verbatim \\ \" ' \t\n \xc3\xa4 \xff and \0 too", 30);
  deliveries_.open(tenant_, delivery, some_event());
  const Delivery found = deliveries_.find(tenant_, delivery.id).value();
  EXPECT_EQ(found.id, delivery.id);
  EXPECT_EQ(found.sender, sender_);
  EXPECT_EQ(found.state, DeliveryState::kOpen);
  EXPECT_TRUE(found.sealed_by_gateway);
  EXPECT_EQ(found.created, delivery.created);
  EXPECT_EQ(found.expires, delivery.expires);
  EXPECT_THAT(found.covers, ElementsAre(delivery.cover));
  EXPECT_EQ(found.manifest, std::nullopt);
  EXPECT_THAT(found.files, IsEmpty());
}

TEST_P(StoreContract, AClosedDeliveryListsItsFilesById) {
  const NewDelivery delivery = opened();
  std::map<Uuid, FileRecord> files;
  std::vector<Uuid> named;
  for (int i = 0; i < 3; ++i) {
    const SealedFile file = sealed_file(delivery.id, 100);
    staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
    files.emplace(file.record.id, file.record);
    named.insert(named.begin(), file.record.id);
  }
  deliveries_.close(tenant_, delivery.id, "a manifest", named, {}, some_event());

  const Delivery found = deliveries_.find(tenant_, delivery.id).value();
  EXPECT_EQ(found.state, DeliveryState::kClosed);
  EXPECT_FALSE(found.sealed_by_gateway);
  EXPECT_EQ(found.manifest, "a manifest");
  ASSERT_THAT(found.files, SizeIs(3));
  auto expected = files.begin();
  for (const FileSummary& file : found.files) {
    EXPECT_EQ(file.id, expected->first);
    EXPECT_EQ(file.payload_length, expected->second.payload_length);
    EXPECT_EQ(file.payload_sha256, expected->second.payload_sha256);
    ++expected;
  }
}

// --- Several files at once ----------------------------------------------------------------------

class FilePages : public StoreContract {
 protected:
  // Closes one whose files have plaintexts of these lengths.
  void close_with(const std::vector<std::size_t>& plaintexts) {
    for (const std::size_t plaintext : plaintexts) {
      const SealedFile file = sealed_file(delivery_.id, plaintext);
      staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
      files_.emplace(file.record.id, file);
    }
    std::vector<Uuid> named;
    for (const auto& [id, file] : files_) named.push_back(id);
    deliveries_.close(tenant_, delivery_.id, "m", named, {}, some_event());
  }
  FilePage page(const Uuid& after = Uuid(), std::uint64_t up_to = UINT64_MAX) {
    return blobs_.read_files(tenant_, delivery_.id, after, up_to);
  }
  // How many files each page has.
  std::vector<std::size_t> pages(std::uint64_t up_to = UINT64_MAX) {
    std::vector<std::size_t> sizes;
    Uuid after;
    for (;;) {
      const FilePage one = page(after, up_to);
      if (one.files.empty()) return sizes;
      sizes.push_back(one.files.size());
      after = one.files.back().id;
    }
  }

  const NewDelivery delivery_ = opened();
  std::map<Uuid, SealedFile> files_;
};

TEST_P(FilePages, HaveTheFilesInTheOrderOfTheirIds) {
  close_with({100, kPlainRow + 1, kPlainRow, 0});
  Uuid after;
  auto expected = files_.begin();
  for (FilePage one = page(); !one.files.empty(); one = page(after)) {
    for (const FilePage::File& file : one.files) {
      ASSERT_NE(expected, files_.end());
      const SealedFile& stored = expected->second;
      EXPECT_EQ(file.id, stored.record.id);
      EXPECT_TRUE(std::ranges::equal(file.header, stored.record.header));
      EXPECT_EQ(file.nonce, stored.record.nonce);
      EXPECT_EQ(file.payload_length, stored.record.payload_length);
      const Bytes payload = stored.payload();
      EXPECT_TRUE(
          std::ranges::equal(file.row, stored.rows.size() == 1 ? ByteView(payload) : ByteView()));
      after = file.id;
      ++expected;
    }
  }
  EXPECT_EQ(expected, files_.end());
}

TEST_P(FilePages, AreNoLargerThanFourRowsAndHaveOneAtLeast) {
  close_with({kPlainRow, kPlainRow, kPlainRow, kPlainRow - 1, kPlainRow, 3 * kPlainRow});
  const std::vector<std::size_t> sizes = pages();
  EXPECT_EQ(sizes.size(), 2u);
  for (const std::size_t size : sizes) EXPECT_LE(size, FilePage::kPageRows);
}

TEST_P(FilePages, OfManySmallOnesAreFew) {
  close_with(std::vector<std::size_t>(70, 10));
  EXPECT_LE(pages().size(), 2u);
}

TEST_P(FilePages, LeaveOutWhatIsLargerThanAskedFor) {
  close_with({10, 20, kPlainRow, 2 * kPlainRow});
  const auto count = [&](std::uint64_t up_to) {
    const std::vector<std::size_t> sizes = pages(up_to);
    return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  };
  EXPECT_EQ(count(kNonceSize + 20 + 16 - 1), 1u);
  EXPECT_EQ(count(kNonceSize + 20 + 16), 2u);
  EXPECT_EQ(count(kNonceSize + kFullRow), 3u);
  EXPECT_EQ(count(0), 0u);
}

TEST_P(FilePages, AreOfAClosedDeliveryOfTheTenant) {
  const auto refusal = [&](TenantId tenant) {
    return error_of([&] { blobs_.read_files(tenant, delivery_.id, Uuid(), UINT64_MAX); });
  };
  EXPECT_EQ(refusal(tenant_), ErrorCode::kNotFound) << "it is open";
  close_with({10});
  EXPECT_EQ(refusal(tenant_), std::nullopt);
  EXPECT_EQ(refusal(some_tenant(*store_)), ErrorCode::kNotFound);
  deliveries_.revoke(tenant_, delivery_.id, "r", some_event());
  EXPECT_EQ(refusal(tenant_), ErrorCode::kNotFound);
}

TEST_P(StoreContract, ADeliverysSenderIsAPrincipalOfItsTenant) {
  const TenantId other = some_tenant(*store_);
  for (const Uuid& stranger : {Uuid::v7(), some_principal(*store_, other, "theirs@x").id}) {
    const NewDelivery delivery = some_delivery(stranger);
    EXPECT_EQ(error_of([&] { deliveries_.open(tenant_, delivery, some_event()); }),
              ErrorCode::kNotFound);
    EXPECT_EQ(error_of([&] { deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery); }),
              ErrorCode::kNotFound);
    EXPECT_FALSE(deliveries_.find(tenant_, delivery.id));
  }
  const NewDelivery delivery = some_delivery(sender_);
  EXPECT_EQ(error_of([&] { deliveries_.open({Uuid::v7()}, delivery, some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(StoreContract, AnAudienceIsTheSenderAndEachRecipientOnce) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.recipients = {"age1b", "age1a", "age1b", "age1C"};
  deliveries_.open(tenant_, delivery, some_event());
  Audience audience = deliveries_.audience(tenant_, delivery.id).value();
  EXPECT_EQ(audience.sender, sender_);
  EXPECT_THAT(audience.recipients, ElementsAre("age1C", "age1a", "age1b"));
  EXPECT_EQ(audience.state, DeliveryState::kOpen);

  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  deliveries_.close(tenant_, delivery.id, "a manifest", {file.record.id}, {}, some_event());
  audience = deliveries_.audience(tenant_, delivery.id).value();
  EXPECT_EQ(audience.state, DeliveryState::kClosed);
  EXPECT_EQ(audience.sender, sender_);

  EXPECT_FALSE(deliveries_.audience(tenant_, Uuid::v7()));
  const NewDelivery expired = expired_delivery(sender_);
  deliveries_.open(tenant_, expired, some_event());
  EXPECT_FALSE(deliveries_.audience(tenant_, expired.id));
}

TEST_P(StoreContract, ADeliveryIdIsTakenOnce) {
  NewDelivery delivery = opened();
  delivery.cover += "another";
  EXPECT_EQ(error_of([&] { deliveries_.open(tenant_, delivery, some_event()); }),
            ErrorCode::kConflict);
  const NewDelivery expired = expired_delivery(sender_);
  deliveries_.open(tenant_, expired, some_event());
  EXPECT_EQ(error_of([&] { deliveries_.open(tenant_, expired, some_event()); }),
            ErrorCode::kConflict);
}

TEST_P(StoreContract, ADeliveryWithoutRecipientOrFutureIsRefused) {
  NewDelivery nobody = some_delivery(sender_);
  nobody.recipients.clear();
  EXPECT_EQ(error_of([&] { deliveries_.open(tenant_, nobody, some_event()); }),
            ErrorCode::kInternal);
  NewDelivery backwards = some_delivery(sender_);
  backwards.expires = backwards.created;
  EXPECT_EQ(error_of([&] { deliveries_.open(tenant_, backwards, some_event()); }),
            ErrorCode::kInternal);
}

TEST_P(StoreContract, CloseRefusesAnyOtherListThanTheDeliverysFiles) {
  const NewDelivery delivery = opened();
  EXPECT_EQ(error_of([&] { deliveries_.close(tenant_, delivery.id, "m", {}, {}, some_event()); }),
            ErrorCode::kConflict);

  const SealedFile one = sealed_file(delivery.id, 10);
  const SealedFile other = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, one)->commit(one.record, nullptr, some_event());
  staged(*store_, tenant_, other)->commit(other.record, nullptr, some_event());
  const Uuid a = one.record.id;
  const Uuid b = other.record.id;
  for (const std::vector<Uuid>& wrong :
       {std::vector<Uuid>{}, {a}, {a, a}, {a, b, b}, {a, b, Uuid::v7()}, {a, Uuid::v7()}}) {
    EXPECT_EQ(
        error_of([&] { deliveries_.close(tenant_, delivery.id, "m", wrong, {}, some_event()); }),
        ErrorCode::kConflict);
  }
  EXPECT_EQ(deliveries_.find(tenant_, delivery.id).value().state, DeliveryState::kOpen);
  deliveries_.close(tenant_, delivery.id, "m", {b, a}, {}, some_event());
  EXPECT_EQ(error_of([&] {
              deliveries_.close(tenant_, delivery.id, "n", {a, b}, {}, some_event());
            }),
            ErrorCode::kConflict);
}

TEST_P(StoreContract, CloseOfAnUnknownOrExpiredDeliveryIsNotFound) {
  EXPECT_EQ(error_of([&] {
              deliveries_.close(tenant_, Uuid::v7(), "m", {Uuid::v7()}, {}, some_event());
            }),
            ErrorCode::kNotFound);
  const NewDelivery expired = expired_delivery(sender_);
  deliveries_.open(tenant_, expired, some_event());
  EXPECT_EQ(error_of([&] {
              deliveries_.close(tenant_, expired.id, "m", {Uuid::v7()}, {}, some_event());
            }),
            ErrorCode::kNotFound);
}

TEST_P(StoreContract, AnExpiredDeliveryIsInvisible) {
  const NewDelivery delivery = expired_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 10);
  deliver(*store_, tenant_, file, delivery);
  EXPECT_FALSE(deliveries_.find(tenant_, delivery.id));
  EXPECT_THAT(deliveries_.inbox(tenant_, delivery.recipients[0], std::nullopt, 10).deliveries,
              IsEmpty());
}

TEST_P(StoreContract, AnInboxHoldsClosedDeliveriesForItsKeyOldestFirst) {
  const std::string alice = some_recipient();
  const std::string bob = some_recipient();
  std::vector<Uuid> for_alice;
  for (int i = 0; i < 5; ++i) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.recipients = {bob, alice, bob};
    if (i == 3) delivery.recipients = {bob};
    deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery);
    if (i != 3) for_alice.push_back(delivery.id);
  }
  NewDelivery still_open = some_delivery(sender_);
  still_open.recipients = {alice};
  deliveries_.open(tenant_, still_open, some_event());
  std::sort(for_alice.begin(), for_alice.end());

  EXPECT_EQ(ids(deliveries_.inbox(tenant_, alice, std::nullopt, 100).deliveries), for_alice);
  EXPECT_THAT(deliveries_.inbox(tenant_, bob, std::nullopt, 100).deliveries, SizeIs(5));
  EXPECT_THAT(deliveries_.inbox(tenant_, some_recipient(), std::nullopt, 100).deliveries,
              IsEmpty());
  EXPECT_THAT(deliveries_.inbox(tenant_, "' OR true --", std::nullopt, 100).deliveries, IsEmpty());
  const Delivery first = deliveries_.inbox(tenant_, alice, std::nullopt, 1).deliveries.at(0);
  EXPECT_EQ(first.manifest, "a manifest");
  EXPECT_THAT(first.files, SizeIs(1));
  EXPECT_THAT(first.covers, SizeIs(1));
}

TEST_P(StoreContract, AnInboxIsReadPageByPage) {
  const std::string alice = some_recipient();
  std::vector<Uuid> all;
  for (int i = 0; i < 5; ++i) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.recipients = {alice};
    deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery);
    all.push_back(delivery.id);
  }
  std::sort(all.begin(), all.end());

  EXPECT_THAT(ids(deliveries_.inbox(tenant_, alice, std::nullopt, 2).deliveries),
              ElementsAre(all[0], all[1]));
  EXPECT_THAT(ids(deliveries_.inbox(tenant_, alice, all[1], 2).deliveries),
              ElementsAre(all[2], all[3]));
  EXPECT_THAT(ids(deliveries_.inbox(tenant_, alice, all[3], 2).deliveries), ElementsAre(all[4]));
  EXPECT_THAT(deliveries_.inbox(tenant_, alice, all[4], 2).deliveries, IsEmpty());
  EXPECT_THAT(deliveries_.inbox(tenant_, alice, std::nullopt, 0).deliveries, IsEmpty());
  EXPECT_THAT(deliveries_.inbox(tenant_, alice, std::nullopt, SIZE_MAX).deliveries, SizeIs(5));
}

TEST_P(StoreContract, RecipientsKeepWhateverCharactersTheyHave) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.recipients = {R"(a "quoted", {braced} \ back\\slashed, 'single')"};
  deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery);
  EXPECT_THAT(ids(deliveries_.inbox(tenant_, delivery.recipients[0], std::nullopt, 10).deliveries),
              ElementsAre(delivery.id));
}

TEST_P(StoreContract, ASweepWithNothingStagedTakesNothing) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow);
  deliver(*store_, tenant_, file, delivery);
  const Swept swept = store_->sweep();
  EXPECT_EQ(swept.files, 0u);
  EXPECT_EQ(swept.rows, 0u);
  EXPECT_EQ(read_payload(*store_, tenant_, file.record.id), file.payload());
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Shelf, FilePages, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
