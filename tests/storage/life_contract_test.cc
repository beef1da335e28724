// The life of a delivery, held against both stores: its transitions, who may have it how often, who
// had it, how it ends, and what is kept of it.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "storage/lifetimes.h"
#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;
using namespace std::chrono_literals;

class LifeContract : public BothStores {
 protected:
  DeliveryStore& deliveries_ = store_->deliveries();
  ReceiptStore& receipts_ = store_->receipts();
  const std::chrono::sys_seconds now_ = now();
  SealedFile file_ = sealed_file(Uuid::v7(), 10);

  // A closed one of file_, for age1alice.
  NewDelivery for_alice(std::uint32_t downloads = kUsualDownloads, std::chrono::hours life = 1h) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.recipients = {"age1alice"};
    delivery.downloads = downloads;
    delivery.expires = delivery.created + life;
    file_ = sealed_file(delivery.id, 10);
    deliver(*store_, tenant_, file_, delivery);
    return delivery;
  }
  // The files of another closed one for age1alice, which has so many.
  std::vector<Uuid> files_for_alice(int count, std::uint32_t downloads = kUsualDownloads) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.recipients = {"age1alice"};
    delivery.downloads = downloads;
    deliveries_.open(tenant_, delivery, some_event());
    std::vector<Uuid> ids;
    for (int i = 0; i < count; ++i) {
      const SealedFile file = sealed_file(delivery.id, 10);
      staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
      ids.push_back(file.record.id);
    }
    deliveries_.close(tenant_, delivery.id, "m", ids, {}, some_event());
    return ids;
  }
  std::optional<DownloadOutcome> download(const std::string& recipient,
                                          std::chrono::sys_seconds when) {
    return receipts_.begin_download(tenant_, file_.record.id, recipient, when, some_event());
  }
  SentDelivery sent(const Uuid& delivery) { return receipts_.find(tenant_, delivery).value(); }
  DeliveryState state(const Uuid& delivery) { return sent(delivery).state; }
};

// --- Transitions --------------------------------------------------------------------------------

TEST_P(LifeContract, OpeningAgainWithTheSameCoverIsDoneBefore) {
  const NewDelivery delivery = some_delivery(sender_);
  EXPECT_TRUE(deliveries_.open(tenant_, delivery, some_event()));
  const std::size_t before = events();
  EXPECT_FALSE(deliveries_.open(tenant_, delivery, some_event()));
  const auto error_of_open = [&](auto change) {
    NewDelivery other = delivery;
    change(other);
    return error_of([&] { deliveries_.open(tenant_, other, some_event()); });
  };
  EXPECT_EQ(error_of_open([](NewDelivery& other) { other.cover += ' '; }), ErrorCode::kConflict);
  EXPECT_EQ(error_of_open([](NewDelivery& other) { ++other.downloads; }), ErrorCode::kConflict);
  const Uuid stranger = some_principal(*store_, tenant_, "stranger@here").id;
  const std::size_t after = events();
  EXPECT_EQ(error_of_open([&](NewDelivery& other) { other.sender = stranger; }),
            ErrorCode::kConflict);
  EXPECT_EQ(events(), after);
  EXPECT_EQ(after, before + 1) << "of the stranger alone";

  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  deliveries_.close(tenant_, delivery.id, "m", {file.record.id}, {}, some_event());
  EXPECT_FALSE(deliveries_.open(tenant_, delivery, some_event()));
  deliveries_.revoke(tenant_, delivery.id, "r", some_event());
  EXPECT_EQ(error_of([&] { deliveries_.open(tenant_, delivery, some_event()); }),
            ErrorCode::kConflict);
}

TEST_P(LifeContract, ClosingAgainWithTheSameManifestIsDoneBefore) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  const auto close = [&](const std::string& manifest) {
    return deliveries_.close(tenant_, delivery.id, manifest, {file.record.id}, {}, some_event());
  };
  std::atomic<int> closed = 0;
  std::vector<std::thread> threads;
  const std::size_t before = events();
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      if (close("m")) ++closed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(events(), before + 1);
  EXPECT_EQ(error_of([&] { close("n"); }), ErrorCode::kConflict);
  EXPECT_EQ(deliveries_.find(tenant_, delivery.id)->manifest, "m");
}

TEST_P(LifeContract, RevokingAgainGivesTheFirstReceipt) {
  const NewDelivery delivery = for_alice();
  const std::size_t before = events();
  std::vector<std::string> kept(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kept.size(); ++t) {
    threads.emplace_back([&, t] {
      kept[t] =
          deliveries_.revoke(tenant_, delivery.id, "by " + std::to_string(t), some_event()).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), kept[0]), 4);
  EXPECT_EQ(events(), before + 1);
  EXPECT_EQ(sent(delivery.id).deletion_receipt, kept[0]);
  EXPECT_EQ(state(delivery.id), DeliveryState::kRevoked);
}

// --- Limits -------------------------------------------------------------------------------------

TEST_P(LifeContract, ADownloadIsCountedOnceADayForADevice) {
  const NewDelivery delivery = for_alice(2);
  EXPECT_EQ(deliveries_.find(tenant_, delivery.id)->downloads, 2u);
  const std::size_t before = events();
  EXPECT_EQ(download("age1alice", now_), DownloadOutcome::kCounted);
  EXPECT_EQ(download("age1alice", now_ + 24h - 1s), DownloadOutcome::kContinued);
  EXPECT_EQ(download("age1alice", now_ - 1h), DownloadOutcome::kContinued) << "a clock went back";
  EXPECT_EQ(download("age1alice", now_ + 24h), DownloadOutcome::kCounted);
  EXPECT_EQ(download("age1alice", now_ + 47h), DownloadOutcome::kContinued);
  EXPECT_EQ(download("age1alice", now_ + 48h), DownloadOutcome::kRefused);
  EXPECT_EQ(download("age1alice", now_ + 480h), DownloadOutcome::kRefused);
  EXPECT_EQ(events(), before + 2);
}

TEST_P(LifeContract, EachDeviceAndEachFileCountsByItself) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.recipients = {"age1alice", "age1bob"};
  delivery.downloads = 1;
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile one = sealed_file(delivery.id, 10);
  const SealedFile other = sealed_file(delivery.id, 10);
  for (const SealedFile* file : {&one, &other}) {
    staged(*store_, tenant_, *file)->commit(file->record, nullptr, some_event());
  }
  file_ = one;
  EXPECT_FALSE(download("age1alice", now_)) << "it isn't closed";
  deliveries_.close(tenant_, delivery.id, "m", {one.record.id, other.record.id}, {}, some_event());
  for (const SealedFile* file : {&one, &other}) {
    file_ = *file;
    for (const char* recipient : {"age1alice", "age1bob"}) {
      EXPECT_EQ(download(recipient, now_), DownloadOutcome::kCounted);
      EXPECT_EQ(download(recipient, now_ + 24h), DownloadOutcome::kRefused);
    }
  }
  EXPECT_FALSE(download("age1carol", now_)) << "it isn't hers";
  EXPECT_FALSE(receipts_.begin_download(some_tenant(*store_), one.record.id, "age1alice", now_,
                                        some_event()));
  EXPECT_FALSE(receipts_.begin_download(tenant_, Uuid::v7(), "age1alice", now_, some_event()));
  deliveries_.revoke(tenant_, delivery.id, "", some_event());
  EXPECT_FALSE(download("age1alice", now_));
}

TEST_P(LifeContract, SeveralFilesCountTogether) {
  const std::vector<Uuid> ids = files_for_alice(4, 1);
  const auto ask = [&](const std::vector<Uuid>& files, std::chrono::sys_seconds when) {
    return receipts_.begin_downloads(tenant_, files, "age1alice", when, some_event());
  };
  const std::size_t before = events();
  EXPECT_THAT(ask({ids[0]}, now_ - 24h), ElementsAre(DownloadOutcome::kCounted));
  EXPECT_THAT(ask({ids[1]}, now_), ElementsAre(DownloadOutcome::kCounted));
  // In the order in which they are asked about, which needn't be that of their ids.
  const std::vector<Uuid> all = {ids[3], Uuid::v7(), ids[0], ids[1], ids[2]};
  EXPECT_THAT(ask(all, now_),
              ElementsAre(DownloadOutcome::kCounted, std::nullopt, DownloadOutcome::kRefused,
                          DownloadOutcome::kContinued, DownloadOutcome::kCounted));
  EXPECT_THAT(ask(all, now_),
              ElementsAre(DownloadOutcome::kContinued, std::nullopt, DownloadOutcome::kRefused,
                          DownloadOutcome::kContinued, DownloadOutcome::kContinued));
  const auto records = store_->audit().read(tenant_, std::nullopt, 10'000);
  ASSERT_EQ(records.size(), before + 4);
  std::vector<Uuid> recorded;
  for (auto record = records.end() - 4; record != records.end(); ++record) {
    recorded.push_back(record->event.object.value());
  }
  EXPECT_THAT(recorded, UnorderedElementsAreArray(ids)) << "each under its own name";
}

TEST_P(LifeContract, TwoWhoAskForTheSameFilesInAnotherOrderDontHinderEachOther) {
  const std::vector<Uuid> ids = files_for_alice(20);
  std::atomic<int> counted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Uuid> own = ids;
      if (t % 2 == 1) std::ranges::reverse(own);
      for (const auto& outcome :
           receipts_.begin_downloads(tenant_, own, "age1alice", now_, some_event())) {
        if (outcome == DownloadOutcome::kCounted) ++counted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counted, 20);
}

TEST_P(LifeContract, ManyAtOnceAreOneDownload) {
  for_alice(3);
  for (const auto day : {0, 1, 2}) {
    std::atomic<int> counted = 0;
    std::atomic<int> continued = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        const auto outcome = download("age1alice", now_ + day * 24h);
        if (outcome == DownloadOutcome::kCounted) ++counted;
        if (outcome == DownloadOutcome::kContinued) ++continued;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(counted, 1);
    EXPECT_EQ(continued, 3);
  }
  EXPECT_EQ(download("age1alice", now_ + 72h), DownloadOutcome::kRefused);
}

TEST_P(LifeContract, ATenantsLimitsAreKept) {
  EXPECT_EQ(store_->tenants().limits(tenant_), TenantLimits{});
  const TenantLimits limits{.default_life = std::chrono::days(14),
                            .longest_life = std::chrono::days(60),
                            .default_downloads = 3,
                            .most_downloads = 4'000'000'000,
                            .quota = std::uint64_t{1} << 50};
  const std::size_t before = events();
  store_->tenants().set_limits(tenant_, limits, some_event());
  store_->tenants().set_limits(tenant_, limits, some_event());
  EXPECT_EQ(events(), before + 1);
  EXPECT_EQ(store_->tenants().limits(tenant_), limits);
  EXPECT_EQ(store_->tenants().limits(some_tenant(*store_)), TenantLimits{});
  for (const TenantLimits& nothing :
       {TenantLimits{.default_life = std::chrono::days(0)}, TenantLimits{.most_downloads = 0}}) {
    EXPECT_EQ(error_of([&] { store_->tenants().set_limits(tenant_, nothing, some_event()); }),
              ErrorCode::kInternal);
  }
  store_->tenants().set_limits(tenant_, {}, some_event());
  EXPECT_EQ(store_->tenants().limits(tenant_), TenantLimits{});
  EXPECT_EQ(error_of([&] { store_->tenants().limits({Uuid::v7()}); }), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { store_->tenants().set_limits({Uuid::v7()}, limits, some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(LifeContract, WhatIsStoredIsCountedAndStopsAtTheQuota) {
  const auto used = [&] { return store_->blobs().used(tenant_); };
  EXPECT_EQ(used(), 0u);
  const NewDelivery delivery = for_alice();
  const std::uint64_t one = room_of(file_);
  EXPECT_EQ(used(), one);

  const NewDelivery open = opened();
  const SealedFile second = sealed_file(open.id, 10);
  const SealedIndex index = some_index(second.record.id);
  const std::uint64_t index_size = index.header.size() + 16 + index.payload.row.size();
  store_->tenants().set_limits(tenant_, {.quota = 2 * one}, some_event());
  staged(*store_, tenant_, second)->commit(second.record, nullptr, some_event());
  EXPECT_EQ(used(), 2 * one) << "a quota may be used up";

  const std::size_t before = events();
  const auto over = ErrorCode::kQuotaExceeded;
  EXPECT_EQ(error_of([&] {
              store_->blobs().put_index(tenant_, open.id, second.record.id, index, some_event());
            }),
            over);
  const SealedFile third = sealed_file(open.id, 0);
  const auto writer = staged(*store_, tenant_, third);
  EXPECT_EQ(error_of([&] { writer->commit(third.record, nullptr, some_event()); }), over);
  const NewDelivery whole = some_delivery(sender_);
  EXPECT_EQ(error_of([&] { deliver(*store_, tenant_, sealed_file(whole.id, 0), whole); }), over);
  EXPECT_FALSE(deliveries_.find(tenant_, whole.id));
  const SealedFile of_study = sealed_file(Uuid::v7(), 0);
  EXPECT_EQ(error_of([&] {
              (void)store_request(*store_, tenant_, some_digest(), some_study(sender_), {of_study});
            }),
            over);
  EXPECT_EQ(events(), before);
  EXPECT_EQ(used(), 2 * one);
  const TenantId other = some_tenant(*store_);
  const NewDelivery theirs = some_delivery(some_principal(*store_, other, "sender@there").id);
  deliver(*store_, other, sealed_file(theirs.id, 10), theirs);
  EXPECT_EQ(used(), 2 * one) << "another tenant's is its own";

  deliveries_.revoke(tenant_, delivery.id, "", some_event());
  EXPECT_EQ(used(), one);
  store_->tenants().set_limits(tenant_, {.quota = 2 * one + index_size}, some_event());
  store_->blobs().put_index(tenant_, open.id, second.record.id, index, some_event());
  writer->commit(third.record, nullptr, some_event());
  EXPECT_EQ(used(), one + index_size + room_of(third));
  store_->blobs().remove(tenant_, second.record.id, some_event());
  EXPECT_EQ(used(), room_of(third));
}

TEST_P(LifeContract, WhatIsStillComingTakesUpRoom) {
  const auto used = [&] { return store_->blobs().used(tenant_); };
  const SealedFile file = sealed_file(opened().id, 19 * kPlainRow);
  store_->tenants().set_limits(tenant_, {.quota = 31 * kPlainRow}, some_event());
  const auto first = staged(*store_, tenant_, file);
  EXPECT_GE(used(), 16u << 20) << "long before it is a file";
  // Nobody gets far beyond what is left, though nothing is stored yet.
  auto second = staged(*store_, tenant_, sealed_file(file.record.delivery, 14 * kPlainRow));
  const SealedFile third = sealed_file(file.record.delivery, 19 * kPlainRow);
  EXPECT_EQ(error_of([&] { staged(*store_, tenant_, third); }), ErrorCode::kQuotaExceeded);
  second.reset();
  // It becomes a file within the same room, and who gives up gives back.
  first->commit(file.record, nullptr, some_event());
  EXPECT_EQ(used(), room_of(file));
}

TEST_P(LifeContract, ARequestThatIsStillComingTakesUpRoom) {
  const auto used = [&] { return store_->blobs().used(tenant_); };
  store_->tenants().set_limits(tenant_, {.quota = 8 * kPlainRow}, some_event());
  auto request = store_->studies().begin(tenant_);
  // Many small ones, and one that goes on from batch to batch.
  for (int i = 0; i < 3; ++i) add(*request, sealed_file(Uuid::v7(), kPlainRow));
  add(*request, sealed_file(Uuid::v7(), 3 * kPlainRow));
  EXPECT_EQ(error_of([&] {
              for (int i = 0; i < 9; ++i) add(*request, sealed_file(Uuid::v7(), kPlainRow));
            }),
            ErrorCode::kQuotaExceeded);
  request.reset();
  EXPECT_EQ(used(), 0u);
}

// --- What the sender sees -----------------------------------------------------------------------

TEST_P(LifeContract, TheSenderSeesWhoCollectedAndWhoOpened) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.recipients = {"age1bob", "age1alice"};
  file_ = sealed_file(delivery.id, 10);
  deliver(*store_, tenant_, file_, delivery);
  SentDelivery seen = sent(delivery.id);
  EXPECT_EQ(seen.sender, sender_);
  EXPECT_EQ(seen.state, DeliveryState::kClosed);
  EXPECT_EQ(seen.created, delivery.created);
  EXPECT_EQ(seen.expires, delivery.expires);
  EXPECT_EQ(seen.ended, std::nullopt);
  EXPECT_EQ(seen.downloads, kUsualDownloads);
  EXPECT_EQ(seen.files, 1u);
  EXPECT_EQ(seen.bytes, file_.record.payload_length);
  EXPECT_THAT(seen.covers, ElementsAre(delivery.cover));
  EXPECT_EQ(seen.manifest, "a manifest");
  EXPECT_EQ(seen.deletion_receipt, std::nullopt);
  ASSERT_EQ(seen.devices.size(), 2u);
  EXPECT_EQ(seen.devices[0].recipient, "age1alice");
  EXPECT_TRUE(seen.devices[0].listed);
  EXPECT_EQ(seen.devices[0].collected, std::nullopt);
  EXPECT_EQ(seen.devices[0].opened, std::nullopt);

  download("age1alice", now_);
  download("age1alice", now_ + 48h);
  const std::size_t before = events();
  EXPECT_TRUE(
      receipts_.put_opened(tenant_, delivery.id, "age1alice", "opened by alice", some_event()));
  EXPECT_FALSE(
      receipts_.put_opened(tenant_, delivery.id, "age1alice", "opened by alice", some_event()));
  EXPECT_EQ(events(), before + 1);
  EXPECT_EQ(error_of([&] {
              receipts_.put_opened(tenant_, delivery.id, "age1alice", "later", some_event());
            }),
            ErrorCode::kConflict);
  EXPECT_EQ(error_of([&] {
              receipts_.put_opened(tenant_, delivery.id, "age1carol", "mine", some_event());
            }),
            ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] {
              receipts_.put_opened(tenant_, opened().id, "age1alice", "early", some_event());
            }),
            ErrorCode::kNotFound);
  seen = sent(delivery.id);
  EXPECT_EQ(seen.devices[0].collected, now_) << "the first time";
  EXPECT_EQ(seen.devices[0].opened, "opened by alice");
  EXPECT_EQ(seen.devices[1].collected, std::nullopt);

  // Who was dropped stays, and somebody new comes.
  const auto change = store_->sharing().begin(tenant_, delivery.id);
  change->add(file_.record.id, {file_.record.header, std::nullopt});
  ASSERT_EQ(change->commit({2, "cover 2", {"age1bob", "age1carol"}}, now_, some_event()),
            SwapOutcome::kDone);
  EXPECT_FALSE(download("age1alice", now_));
  seen = sent(delivery.id);
  ASSERT_EQ(seen.devices.size(), 3u);
  EXPECT_FALSE(seen.devices[0].listed);
  EXPECT_EQ(seen.devices[0].opened, "opened by alice");
  EXPECT_TRUE(seen.devices[2].listed);
  EXPECT_THAT(seen.covers, ElementsAre(delivery.cover, "cover 2"));
}

TEST_P(LifeContract, WhatSomebodySentIsListedNewestFirstWhateverBecameOfIt) {
  std::map<Uuid, DeliveryState, std::greater<>> expected;
  expected[opened().id] = DeliveryState::kOpen;
  expected[for_alice().id] = DeliveryState::kClosed;
  const Uuid revoked = for_alice().id;
  expected[revoked] = DeliveryState::kRevoked;
  deliveries_.revoke(tenant_, revoked, "r", some_event());
  const NewDelivery old = expired_delivery(sender_);
  expected[old.id] = DeliveryState::kExpired;  // though no sweep was there
  deliver(*store_, tenant_, sealed_file(old.id, 10), old);
  const Uuid stranger = some_principal(*store_, tenant_, "stranger@here").id;
  const NewDelivery theirs = some_delivery(stranger);
  deliver(*store_, tenant_, sealed_file(theirs.id, 10), theirs);

  // In pages of any size.
  for (std::size_t limit = 1; limit <= 5; ++limit) {
    std::optional<Uuid> before;
    auto next = expected.begin();
    for (bool more = true; more;) {
      const SentPage page = receipts_.sent(tenant_, sender_, before, limit);
      more = page.more;
      EXPECT_EQ(page.deliveries.size(), more ? limit : (expected.size() - 1) % limit + 1);
      for (const SentDelivery& one : page.deliveries) {
        ASSERT_NE(next, expected.end());
        EXPECT_EQ(one.id, next->first);
        EXPECT_EQ(one.state, next->second);
        EXPECT_EQ(one.files, one.state == DeliveryState::kOpen ? 0u : 1u) << "or it had one";
        EXPECT_EQ(one.bytes, one.files * file_.record.payload_length);
        EXPECT_EQ(one.deletion_receipt.has_value(), one.state == DeliveryState::kRevoked);
        before = (next++)->first;
      }
    }
    EXPECT_EQ(next, expected.end());
    EXPECT_THAT(receipts_.sent(tenant_, sender_, before, limit).deliveries, IsEmpty());
  }
  EXPECT_EQ(receipts_.sent(tenant_, stranger, std::nullopt, 9).deliveries.size(), 1u);
  const TenantId other = some_tenant(*store_);
  EXPECT_THAT(receipts_.sent(other, sender_, std::nullopt, 9).deliveries, IsEmpty());
  EXPECT_FALSE(receipts_.find(other, revoked));
}

// --- The end ------------------------------------------------------------------------------------

TEST_P(LifeContract, ASweepEndsWhatIsOverAndNothingElse) {
  const Uuid over = for_alice(10, 1h).id;
  const Uuid lasting = for_alice(10, 5h).id;
  const Uuid open = opened().id;  // for an hour
  EXPECT_FALSE(store_->sweep_lapsed(now_ + 1h - 1s, 10).any());
  EXPECT_EQ(store_->sweep_lapsed(now_ + 2h, 1).deliveries, 1u) << "as many as were asked for";
  EXPECT_EQ(store_->sweep_lapsed(now_ + 2h, 10).deliveries, 1u);
  EXPECT_EQ(store_->sweep_lapsed(now_ + 2h, 10).deliveries, 0u);
  for (const Uuid& id : {over, open}) {
    EXPECT_EQ(state(id), DeliveryState::kExpired);
    EXPECT_FALSE(deliveries_.find(tenant_, id));
  }
  EXPECT_EQ(sent(over).files, 1u);
  EXPECT_EQ(sent(over).manifest, "a manifest");
  EXPECT_TRUE(deliveries_.find(tenant_, lasting));
  EXPECT_EQ(store_->blobs().used(tenant_), room_of(file_));
  EXPECT_EQ(deliveries_.revoke(tenant_, over, "r", some_event()), "r") << "its sender may ask";
  EXPECT_EQ(state(over), DeliveryState::kRevoked);
  EXPECT_EQ(sent(over).files, 1u);
}

TEST_P(LifeContract, ADeliveryThatIsNeverClosedEndsAfterAWeekUnlessBytesCome) {
  const auto open_for_long = [&](bool by_gateway) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.expires += std::chrono::days(30);
    delivery.sealed_by_gateway = by_gateway;
    deliveries_.open(tenant_, delivery, some_event());
    return delivery.id;
  };
  const Uuid idle = open_for_long(false);
  const Uuid of_gateway = open_for_long(true);
  const Uuid busy = open_for_long(false);
  const NewUpload upload{Uuid::v7(), busy, Uuid::v7(), 100, "a device"};
  store_->uploads().create(tenant_, upload, kAnyAmount, now_ + std::chrono::days(6) + 1h,
                           some_event());
  const auto week_later = now_ + std::chrono::days(7) + 1s;
  EXPECT_EQ(store_->sweep_lapsed(now_ + std::chrono::days(6), 10).deliveries, 0u);
  EXPECT_EQ(store_->sweep_lapsed(week_later, 10).deliveries, 1u);
  EXPECT_EQ(state(idle), DeliveryState::kExpired);
  EXPECT_EQ(state(of_gateway), DeliveryState::kOpen);
  EXPECT_EQ(state(busy), DeliveryState::kOpen);
  const Lapsed later = store_->sweep_lapsed(week_later + 2h, 10);
  EXPECT_EQ(state(busy), DeliveryState::kExpired);
  EXPECT_EQ(later.deliveries, 1u);
  EXPECT_FALSE(store_->uploads().find(tenant_, upload.id, now_));
}

TEST_P(LifeContract, AFileThatCameCountsAsSomethingThatCame) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.created -= std::chrono::days(6);
  delivery.expires += std::chrono::days(30);
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  EXPECT_EQ(store_->sweep_lapsed(now_ + std::chrono::days(6), 10).deliveries, 0u);
  EXPECT_EQ(store_->sweep_lapsed(now_ + std::chrono::days(7) + 1h, 10).deliveries, 1u);
}

TEST_P(LifeContract, APartOfADeliveryHasTheCoversThatWereAskedFor) {
  const NewDelivery delivery = for_alice();
  const auto part = deliveries_.part(tenant_, delivery.id, {1}).value();
  EXPECT_THAT(part.covers, ElementsAre(delivery.cover));
  EXPECT_EQ(part.files, 1u);
  EXPECT_EQ(part.indexes, 0u);
  EXPECT_FALSE(deliveries_.part(tenant_, delivery.id, {1, 2}));
  EXPECT_FALSE(deliveries_.part(tenant_, Uuid::v7(), {}));
  EXPECT_FALSE(deliveries_.part(some_tenant(*store_), delivery.id, {1}));
}

TEST_P(LifeContract, WhatEndedIsForgottenAfterNinetyDays) {
  const Uuid revoked = for_alice().id;
  const Uuid expired = for_alice().id;
  deliveries_.revoke(tenant_, revoked, "r", some_event());
  store_->sweep_lapsed(now_ + 2h, 10);
  EXPECT_EQ(state(expired), DeliveryState::kExpired);
  EXPECT_EQ(store_->sweep_lapsed(now_ + kEndedKept - 1h, 10).forgotten, 0u);
  EXPECT_EQ(store_->sweep_lapsed(now_ + kEndedKept + 1h, 10).forgotten, 1u);
  EXPECT_FALSE(receipts_.find(tenant_, revoked));
  EXPECT_TRUE(receipts_.find(tenant_, expired));
  EXPECT_EQ(store_->sweep_lapsed(now_ + kEndedKept + 3h, 10).forgotten, 1u);
  EXPECT_THAT(receipts_.sent(tenant_, sender_, std::nullopt, 10).deliveries, IsEmpty());
  EXPECT_FALSE(deliveries_.revoke(tenant_, revoked, "r", some_event()));
}

TEST_P(LifeContract, APayloadIsReadFromAnyRowOn) {
  NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow + 5);
  deliver(*store_, tenant_, file, delivery);
  for (std::size_t first = 0; first <= file.rows.size() + 1; ++first) {
    const auto source = store_->blobs().read(tenant_, file.record.id, first);
    for (std::size_t row = first; row < file.rows.size(); ++row) {
      const ByteView piece = source->next();
      EXPECT_TRUE(std::ranges::equal(piece, file.rows[row].view())) << row;
    }
    EXPECT_TRUE(source->next().empty());
    EXPECT_TRUE(source->next().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, LifeContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
