// What storage/sharing_store.h promises, held against both stores.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "storage/lifetimes.h"
#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

Bytes bytes_of(const std::string& text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

class SharingContract : public BothStores {
 protected:
  SharingStore& sharing_ = store_->sharing();
  const std::chrono::sys_seconds now_ = now();

  // Closed, of `files` files, of which each second one has an index.
  void deliver_some(std::size_t files) {
    delivery_ = some_delivery(sender_);
    delivery_.recipients = {"age1alice"};
    delivery_.expires += std::chrono::days(30);
    store_->deliveries().open(tenant_, delivery_, some_event());
    std::vector<Uuid> indexed;
    for (std::size_t i = 0; i < files; ++i) {
      const SealedFile file = sealed_file(delivery_.id, 10);
      const SealedIndex index = some_index(file.record.id);
      files_.push_back(file.record.id);
      if (i % 2 == 0) indexed.push_back(file.record.id);
      staged(*store_, tenant_, file)
          ->commit(file.record, i % 2 == 0 ? &index : nullptr, some_event());
      headers_[file.record.id] = {file.record.header,
                                  i % 2 == 0 ? std::optional(index.header) : std::nullopt};
    }
    store_->deliveries().close(tenant_, delivery_.id, "m", files_, indexed, some_event());
  }

  // Of all files, for this version.
  std::map<Uuid, FileHeaders> headers_of(std::uint32_t version) const {
    std::map<Uuid, FileHeaders> headers;
    for (const auto& [file, old] : headers_) {
      const std::string name = "v" + std::to_string(version) + " of " + file.text();
      headers[file].header = bytes_of("header " + name);
      if (old.index) headers[file].index = bytes_of("index header " + name);
    }
    return headers;
  }

  static NewVersion version_of(std::uint32_t version) {
    return {version, "cover " + std::to_string(version), {"age1alice", "age1bob"}};
  }

  SwapOutcome swap(const NewVersion& version, const std::map<Uuid, FileHeaders>& headers,
                   const AuditEvent& event = some_event()) {
    const auto change = sharing_.begin(tenant_, delivery_.id);
    for (const auto& [file, both] : headers) change->add(file, both);
    return change->commit(version, now_, event);
  }
  SwapOutcome swap_to(std::uint32_t version) {
    return swap(version_of(version), headers_of(version));
  }

  // The version whose headers all files and indexes have; fails if that isn't one.
  void expect_version(std::uint32_t version) {
    const auto expected = version == 1 ? headers_ : headers_of(version);
    for (const Uuid& id : files_) {
      const FileRecord file = store_->blobs().find(tenant_, id).value();
      EXPECT_EQ(file.header, expected.at(id).header);
      EXPECT_EQ(file.version, version);
    }
    const auto indexes = store_->blobs().read_indexes(tenant_, delivery_.id);
    while (const auto index = indexes->next()) {
      EXPECT_EQ(as_text(index->header), as_text(expected.at(index->file).index.value()));
    }
    EXPECT_EQ(store_->deliveries().audience(tenant_, delivery_.id)->version, version);
    EXPECT_EQ(store_->deliveries().find(tenant_, delivery_.id)->covers.size(), version);
  }

  NewDelivery delivery_;
  std::vector<Uuid> files_;
  std::map<Uuid, FileHeaders> headers_;  // of version 1
};

TEST_P(SharingContract, SwapsCoverInboxesAndAllHeadersTogether) {
  deliver_some(5);
  const std::uint64_t used = store_->blobs().used(tenant_);
  const Digest before = store_->blobs().find(tenant_, files_[0])->payload_sha256;
  expect_version(1);
  EXPECT_EQ(swap_to(2), SwapOutcome::kDone);
  expect_version(2);
  const Delivery found = store_->deliveries().find(tenant_, delivery_.id).value();
  EXPECT_THAT(found.covers, ElementsAre(delivery_.cover, "cover 2"));
  EXPECT_EQ(found.manifest, "m");
  EXPECT_THAT(store_->deliveries().audience(tenant_, delivery_.id)->recipients,
              ElementsAre("age1alice", "age1bob"));
  EXPECT_EQ(store_->deliveries().inbox(tenant_, "age1bob", std::nullopt, 9).deliveries.size(), 1u);
  EXPECT_EQ(store_->blobs().find(tenant_, files_[0])->payload_sha256, before);
  EXPECT_GT(store_->blobs().used(tenant_), used) << "the headers before are kept";

  NewVersion dropped = version_of(3);
  dropped.recipients = {"age1bob"};
  EXPECT_EQ(swap(dropped, headers_of(3)), SwapOutcome::kDone);
  expect_version(3);
  EXPECT_THAT(store_->deliveries().inbox(tenant_, "age1alice", std::nullopt, 9).deliveries,
              IsEmpty());
}

TEST_P(SharingContract, TakesHeadersByTheThousand) {
  deliver_some(300);
  for (auto& [file, headers] : headers_) headers.header.resize(1);
  auto headers = headers_of(2);
  for (auto& [file, both] : headers) both.header.resize(10'000, 'x');  // several batches
  EXPECT_EQ(swap(version_of(2), headers), SwapOutcome::kDone);
  for (const Uuid& id : files_) {
    EXPECT_EQ(store_->blobs().find(tenant_, id)->header, headers.at(id).header);
  }
}

TEST_P(SharingContract, TheSameChangeAgainChangesNothing) {
  deliver_some(2);
  EXPECT_EQ(swap_to(2), SwapOutcome::kDone);
  const std::size_t before = events();
  EXPECT_EQ(swap_to(2), SwapOutcome::kDoneBefore);
  EXPECT_EQ(swap(version_of(2), {}), SwapOutcome::kDoneBefore) << "headers aren't looked at";
  EXPECT_EQ(events(), before);
  expect_version(2);
  NewVersion other = version_of(2);
  other.cover += " of somebody else";
  EXPECT_EQ(swap(other, headers_of(2)), SwapOutcome::kOtherVersion);
  EXPECT_EQ(swap_to(4), SwapOutcome::kOtherVersion);
  EXPECT_EQ(swap_to(3), SwapOutcome::kDone);
  EXPECT_EQ(swap_to(2), SwapOutcome::kOtherVersion) << "it isn't the current one any more";
}

TEST_P(SharingContract, RefusesHeadersOfOtherFilesThanAllOfIt) {
  deliver_some(4);
  const auto good = headers_of(2);
  const auto refused = [&](const std::map<Uuid, FileHeaders>& headers) {
    return swap(version_of(2), headers) == SwapOutcome::kOtherFiles;
  };
  EXPECT_TRUE(refused({}));
  auto headers = good;
  headers.erase(files_[1]);
  EXPECT_TRUE(refused(headers)) << "one is missing";
  headers = good;
  headers[Uuid::v7()] = headers[files_[1]];
  EXPECT_TRUE(refused(headers)) << "one is too many";
  headers.erase(files_[1]);
  EXPECT_TRUE(refused(headers)) << "one is another";
  headers = good;
  headers[files_[0]].index.reset();
  EXPECT_TRUE(refused(headers)) << "an index has none";
  headers = good;
  headers[files_[1]].index = bytes_of("an index header");
  EXPECT_TRUE(refused(headers)) << "there is no such index";

  const auto twice = sharing_.begin(tenant_, delivery_.id);
  for (const auto& [file, both] : good) twice->add(file, both);
  twice->add(files_[0], good.at(files_[0]));
  EXPECT_EQ(twice->commit(version_of(2), now_, some_event()), SwapOutcome::kOtherFiles);
  EXPECT_EQ(error_of([&] { twice->add(files_[0], {{}, std::nullopt}); }), ErrorCode::kInternal);

  expect_version(1);
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), IsEmpty());
  EXPECT_TRUE(store_->blobs().remove(tenant_, files_[1], some_event()));
  headers = good;
  headers.erase(files_[1]);
  EXPECT_EQ(swap(version_of(2), headers), SwapOutcome::kDone) << "what was removed needs none";
}

TEST_P(SharingContract, NeedsALiveClosedDelivery) {
  const auto error_of_swap = [&](const Uuid& delivery) {
    const auto change = sharing_.begin(tenant_, delivery);
    return error_of([&] { (void)change->commit(version_of(2), now_, some_event()); });
  };
  EXPECT_EQ(error_of_swap(Uuid::v7()), ErrorCode::kNotFound);
  EXPECT_EQ(error_of_swap(opened().id), ErrorCode::kNotFound);
  deliver_some(1);
  const TenantId other = some_tenant(*store_);
  const auto stranger = sharing_.begin(other, delivery_.id);
  EXPECT_EQ(error_of([&] { (void)stranger->commit(version_of(2), now_, some_event()); }),
            ErrorCode::kNotFound);
  swap_to(2);
  store_->deliveries().revoke(tenant_, delivery_.id, "", some_event());
  EXPECT_EQ(error_of_swap(delivery_.id), ErrorCode::kNotFound);
  EXPECT_FALSE(sharing_.former(tenant_, files_[0], 1));
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), IsEmpty());
  EXPECT_EQ(error_of([&] { sharing_.confirm(tenant_, delivery_.id, 2, some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(SharingContract, IsRecordedIfAndOnlyIfItHappens) {
  deliver_some(2);
  const std::size_t before = events();
  AuditEvent unsound = some_event();
  unsound.peer = "no address";
  EXPECT_EQ(error_of([&] { swap(version_of(2), headers_of(2), unsound); }), ErrorCode::kInternal);
  expect_version(1);
  EXPECT_EQ(swap(version_of(2), {}), SwapOutcome::kOtherFiles);
  EXPECT_EQ(events(), before);
  EXPECT_EQ(swap_to(2), SwapOutcome::kDone);
  EXPECT_EQ(swap_to(3), SwapOutcome::kDone);
  EXPECT_EQ(events(), before + 2);
  EXPECT_EQ(error_of([&] { sharing_.confirm(tenant_, delivery_.id, 3, unsound); }),
            ErrorCode::kInternal);
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), ElementsAre(1, 2));
  EXPECT_TRUE(sharing_.confirm(tenant_, delivery_.id, 3, some_event()));
  EXPECT_EQ(events(), before + 3);
  EXPECT_FALSE(sharing_.confirm(tenant_, delivery_.id, 3, some_event()));
  EXPECT_EQ(events(), before + 3);
}

TEST_P(SharingContract, KeepsFormerHeadersUntilAConfirmation) {
  deliver_some(3);
  for (const std::uint32_t version : {2U, 3U, 4U}) EXPECT_EQ(swap_to(version), SwapOutcome::kDone);
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), ElementsAre(1, 2, 3));
  for (const Uuid& id : files_) {
    EXPECT_EQ(sharing_.former(tenant_, id, 1)->header, headers_.at(id).header);
    EXPECT_EQ(sharing_.former(tenant_, id, 1)->index, headers_.at(id).index);
    EXPECT_EQ(sharing_.former(tenant_, id, 3)->header, headers_of(3).at(id).header);
    EXPECT_EQ(sharing_.former(tenant_, id, 3)->index, headers_of(3).at(id).index);
    EXPECT_FALSE(sharing_.former(tenant_, id, 4)) << "that is the current one";
  }
  EXPECT_FALSE(sharing_.former(some_tenant(*store_), files_[0], 1));
  EXPECT_EQ(error_of([&] { sharing_.confirm(tenant_, delivery_.id, 5, some_event()); }),
            ErrorCode::kConflict);
  EXPECT_TRUE(sharing_.confirm(tenant_, delivery_.id, 3, some_event()));
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), ElementsAre(1, 3));
  EXPECT_FALSE(sharing_.former(tenant_, files_[0], 2));
  EXPECT_TRUE(sharing_.former(tenant_, files_[0], 3));
  expect_version(4);
}

TEST_P(SharingContract, TheBeginningsOfAllFilesAreReadUnderEachVersion) {
  deliver_some(70);  // several pages
  EXPECT_EQ(swap_to(2), SwapOutcome::kDone);
  const auto expect_beginnings = [&](std::uint32_t version, bool swap_on_the_way) {
    const auto expected = version == 1 ? headers_ : headers_of(version);
    const auto reader = sharing_.read(tenant_, delivery_.id, version);
    auto next = expected.begin();
    while (const auto found = reader->next()) {
      ASSERT_NE(next, expected.end());
      EXPECT_EQ(found->file, next->first);
      EXPECT_EQ(found->headers.header, next->second.header);
      EXPECT_EQ(found->headers.index, next->second.index);
      EXPECT_EQ(found->nonce, store_->blobs().find(tenant_, found->file)->nonce);
      EXPECT_EQ(found->index_nonce.has_value(), found->headers.index.has_value());
      if (next++ == expected.begin() && swap_on_the_way) {
        EXPECT_EQ(swap_to(3), SwapOutcome::kDone);
      }
    }
    EXPECT_EQ(next, expected.end());
  };
  expect_beginnings(1, false);
  expect_beginnings(2, true);
  expect_beginnings(3, false);
  const auto error_of_read = [&](TenantId tenant, const Uuid& delivery, std::uint32_t version) {
    return error_of([&] { sharing_.read(tenant, delivery, version)->next(); });
  };
  EXPECT_EQ(error_of_read(tenant_, delivery_.id, 4), ErrorCode::kNotFound);
  EXPECT_EQ(error_of_read(some_tenant(*store_), delivery_.id, 1), ErrorCode::kNotFound);
  EXPECT_EQ(error_of_read(tenant_, opened().id, 1), ErrorCode::kNotFound);
  sharing_.confirm(tenant_, delivery_.id, 3, some_event());
  EXPECT_EQ(error_of_read(tenant_, delivery_.id, 2), ErrorCode::kNotFound);
  expect_beginnings(1, false);
}

TEST_P(SharingContract, KeepsEightBesideTheFirstAndNoMoreButForTheSender) {
  deliver_some(1);
  for (std::uint32_t version = 2; version <= 10; ++version) {
    EXPECT_EQ(swap_to(version), SwapOutcome::kDone);
  }
  EXPECT_EQ(swap_to(11), SwapOutcome::kTooManyKept);
  expect_version(10);
  NewVersion senders = version_of(11);
  senders.is_senders = true;
  EXPECT_EQ(swap(senders, headers_of(11)), SwapOutcome::kDone);
  EXPECT_EQ(swap_to(12), SwapOutcome::kTooManyKept);
  EXPECT_TRUE(sharing_.confirm(tenant_, delivery_.id, 4, some_event()));
  EXPECT_EQ(swap_to(12), SwapOutcome::kDone);
}

TEST_P(SharingContract, FormerHeadersAreSweptAfterAWeek) {
  deliver_some(2);
  swap_to(2);
  swap_to(3);
  EXPECT_EQ(store_->sweep_lapsed(now_ + kFormerVersionKept - 1s, 10).former_versions, 0u);
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), ElementsAre(1, 2));
  EXPECT_EQ(store_->sweep_lapsed(now_ + kFormerVersionKept, 10).former_versions, 1u);
  EXPECT_FALSE(sharing_.former(tenant_, files_[0], 2));
  EXPECT_THAT(sharing_.kept(tenant_, delivery_.id), ElementsAre(1)) << "the sender's own";
  expect_version(3);
}

TEST_P(SharingContract, WhatOneRecipientMakesCostsNobodyTheSendersHeaders) {
  deliver_some(1);
  for (std::uint32_t version = 2; version <= 10; ++version) swap_to(version);
  sharing_.confirm(tenant_, delivery_.id, 10, some_event());
  store_->sweep_lapsed(now_ + 2 * kFormerVersionKept, 100);
  EXPECT_EQ(sharing_.former(tenant_, files_[0], 1)->header, headers_.at(files_[0]).header);
}

TEST_P(SharingContract, ARemovedFileTakesItsFormerHeadersAlong) {
  deliver_some(2);
  swap_to(2);
  store_->blobs().remove(tenant_, files_[0], some_event());
  EXPECT_FALSE(sharing_.former(tenant_, files_[0], 1));
  EXPECT_TRUE(sharing_.former(tenant_, files_[1], 1));
}

TEST_P(SharingContract, OfManyWhoChangeOneVersionOneDoesAndReadersSeeOldOrNew) {
  deliver_some(4);
  for (std::uint32_t version = 2; version <= 5; ++version) {
    std::atomic<int> done = 0;
    std::atomic<int> late = 0;
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, cover = version_of(version).cover + " by " + std::to_string(t)] {
        NewVersion own = version_of(version);
        own.cover = cover;
        const SwapOutcome outcome = swap(own, headers_of(version));
        if (outcome == SwapOutcome::kDone) ++done;
        if (outcome == SwapOutcome::kOtherVersion) ++late;
      });
    }
    threads.emplace_back([&] {
      const auto old = version == 2 ? headers_ : headers_of(version - 1);
      const auto fresh = headers_of(version);
      while (!over) {
        for (const Uuid& id : files_) {
          const FileRecord file = store_->blobs().find(tenant_, id).value();
          EXPECT_EQ(file.header, (file.version == version ? fresh : old).at(id).header);
        }
      }
    });
    for (int t = 0; t < 3; ++t) threads[static_cast<std::size_t>(t)].join();
    over = true;
    threads.back().join();
    EXPECT_EQ(done, 1);
    EXPECT_EQ(late, 2);
    expect_version(version);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, SharingContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
