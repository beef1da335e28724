// Notices, held against both stores: what makes one, whom it concerns, how far somebody was told.
#include <gmock/gmock.h>

#include <functional>

#include "storage/lifetimes.h"
#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

using Kinds = std::vector<std::string>;

class NoticeContract : public BothStores {
 protected:
  NoticeStore& notices_ = store_->notices();
  const std::chrono::sys_seconds now_ = now();
  const NewDevice phone_ = device_of("alice@here");
  const NewDevice laptop_ = device_of("alice@here");
  const NewDevice bob_ = device_of("bob@here");
  const NewDevice senders_ = device_of("sender@here");
  const Uuid alice_id_ = principal("alice@here");
  const Uuid bob_id_ = principal("bob@here");
  SealedFile file_ = sealed_file(Uuid::v7(), 10);

  NewDevice device_of(const std::string& handle) {
    some_principal(*store_, tenant_, handle);
    const NewDevice device = some_device(handle);
    store_->devices().add(tenant_, device, some_event());
    return device;
  }
  Uuid principal(const std::string& handle) { return some_principal(*store_, tenant_, handle).id; }

  NewDelivery delivered_to(std::vector<std::string> recipients, std::chrono::seconds life = 1h) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.recipients = std::move(recipients);
    delivery.expires = delivery.created + life;
    file_ = sealed_file(delivery.id, 10);
    deliver(*store_, tenant_, file_, delivery);
    return delivery;
  }
  void collect(const std::string& recipient) {
    store_->receipts().begin_download(tenant_, file_.record.id, recipient, now_, some_event());
  }
  void share(const NewDelivery& delivery, std::vector<std::string> recipients) {
    const auto change = store_->sharing().begin(tenant_, delivery.id);
    change->add(file_.record.id, {Bytes{1, 2, 3}, std::nullopt});
    ASSERT_EQ(change->commit({2, "cover 2", std::move(recipients), true}, now_, some_event()),
              SwapOutcome::kDone);
  }
  std::vector<Notice> all(const Uuid& principal, NoticePlace after = 0, std::size_t limit = 100) {
    while (notices_.place(2) > 0) {
    }
    return notices_.read(tenant_, principal, after, limit);
  }
  Kinds told(const Uuid& principal) {
    Kinds kinds;
    for (const Notice& one : all(principal)) kinds.emplace_back(to_string(one.kind));
    return kinds;
  }
};

// --- What makes one, and whom it concerns
// ---------------------------------------------------------

TEST_P(NoticeContract, RecipientsAreToldOfWhatIsClosedAndTheSenderOfWhatBecomesOfIt) {
  const NewDelivery delivery = some_delivery(sender_);
  NewDelivery opened = delivery;
  opened.recipients = {phone_.recipient};
  store_->deliveries().open(tenant_, opened, some_event());
  file_ = sealed_file(opened.id, 10);
  staged(*store_, tenant_, file_)->commit(file_.record, nullptr, some_event());
  EXPECT_THAT(told(alice_id_), IsEmpty()) << "it isn't closed";
  const auto close = [&] {
    store_->deliveries().close(tenant_, opened.id, "m", {file_.record.id}, {}, some_event());
  };
  close();
  close();
  for (int i = 0; i < 2; ++i) collect(phone_.recipient);
  for (int i = 0; i < 2; ++i) {
    store_->receipts().put_opened(tenant_, opened.id, phone_.recipient, "r", some_event());
  }
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered"));
  EXPECT_THAT(told(sender_), ElementsAre("collected", "opened"));
  EXPECT_THAT(told(bob_id_), IsEmpty());

  const Notice first = all(alice_id_).front();
  EXPECT_EQ(first.delivery, opened.id);
  EXPECT_FALSE(first.recipient);
  EXPECT_LE(first.at, now());
  EXPECT_GE(first.at, now_);
  for (const Notice& one : all(sender_)) EXPECT_EQ(one.recipient, phone_.recipient);
}

TEST_P(NoticeContract, WhoeverIsAddedIsToldAndWhoeverWasDroppedIsnt) {
  const NewDelivery delivery = delivered_to({phone_.recipient});
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered"));
  share(delivery, {bob_.recipient});
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered"));
  EXPECT_THAT(told(bob_id_), ElementsAre("shared"));
  EXPECT_THAT(told(sender_), ElementsAre("shared"));
  store_->deliveries().revoke(tenant_, delivery.id, "r", some_event());
  store_->deliveries().revoke(tenant_, delivery.id, "r", some_event());
  EXPECT_THAT(told(bob_id_), ElementsAre("shared", "revoked"));
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered"));
}

TEST_P(NoticeContract, OfWhatWasNeverVisibleNobodyIsToldThatItWent) {
  NewDelivery delivery = some_delivery(sender_);
  delivery.recipients = {phone_.recipient};
  store_->deliveries().open(tenant_, delivery, some_event());
  store_->deliveries().revoke(tenant_, delivery.id, "", some_event());
  EXPECT_THAT(told(alice_id_), IsEmpty());
  EXPECT_THAT(told(sender_), IsEmpty());
}

TEST_P(NoticeContract, WhatExpiresIsToldByTheSweepThatFindsIt) {
  delivered_to({phone_.recipient});
  store_->sweep_lapsed(now_ + 2h, 10);
  store_->sweep_lapsed(now_ + 2h, 10);
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered", "expired"));
  EXPECT_THAT(told(sender_), ElementsAre("expired"));
}

TEST_P(NoticeContract, WhatFailsMakesNone) {
  const NewDelivery delivery = delivered_to({phone_.recipient});
  AuditEvent unsound = some_event();
  unsound.peer = "nowhere";
  EXPECT_EQ(error_of([&] { store_->deliveries().revoke(tenant_, delivery.id, "", unsound); }),
            ErrorCode::kInternal);
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered"));
}

// --- Their order
// ----------------------------------------------------------------------------------

TEST_P(NoticeContract, PlacesFollowEachOtherAndReadingGoesOnBehindOne) {
  for (int i = 0; i < 5; ++i) delivered_to({phone_.recipient, laptop_.recipient});
  const std::vector<Notice> read = all(alice_id_);
  ASSERT_EQ(read.size(), 5u) << "one for two devices";
  NoticePlace last = 0;
  for (const Notice& one : read) {
    EXPECT_GT(one.place, last);
    last = one.place;
    EXPECT_EQ(notices_.find(tenant_, one.id), one.place);
  }
  EXPECT_EQ(notices_.last(), last);
  EXPECT_EQ(all(alice_id_, read[2].place).size(), 2u);
  EXPECT_EQ(all(alice_id_, 0, 2).size(), 2u);
  EXPECT_THAT(all(alice_id_, last), IsEmpty());
  EXPECT_FALSE(notices_.find(tenant_, Uuid::v7()));
  EXPECT_FALSE(notices_.find(some_tenant(*store_), read[0].id));
}

TEST_P(NoticeContract, NewsNameEachReaderOnceAndSayUptoWhere) {
  delivered_to({phone_.recipient, laptop_.recipient, bob_.recipient});
  EXPECT_THAT(notices_.news(0).readers, IsEmpty()) << "they have no places yet";
  while (notices_.place(10) > 0) {
  }
  const News news = notices_.news(0);
  EXPECT_THAT(news.readers, UnorderedElementsAre(Pair(tenant_, alice_id_), Pair(tenant_, bob_id_)));
  EXPECT_EQ(news.upto, notices_.last());
  EXPECT_THAT(notices_.news(news.upto).readers, IsEmpty());
  EXPECT_EQ(notices_.news(news.upto).upto, news.upto);
}

TEST_P(NoticeContract, NobodyReadsWhatIsInAnotherTenant) {
  delivered_to({phone_.recipient});
  all(alice_id_);
  EXPECT_THAT(notices_.read(some_tenant(*store_), alice_id_, 0, 10), IsEmpty());
}

TEST_P(NoticeContract, TheyAreKeptForAWhileAndThenSwept) {
  delivered_to({phone_.recipient}, 24h * 30);
  ASSERT_EQ(all(alice_id_).size(), 1u);
  EXPECT_EQ(store_->sweep_lapsed(now_ + kNoticesKept - 1h, 10).notices, 0u);
  EXPECT_EQ(store_->sweep_lapsed(now_ + kNoticesKept + 1h, 10).notices, 1u);
  EXPECT_THAT(all(alice_id_), IsEmpty());
}

// --- What ends unread
// -----------------------------------------------------------------------------

TEST_P(NoticeContract, TheSenderIsWarnedOnceOfWhatSomebodyHasntFetched) {
  delivered_to({phone_.recipient, senders_.recipient}, 24h * 10);
  const auto ends = now_ + 24h * 10;
  EXPECT_EQ(notices_.warn(ends - 49h, 48h, 10), 0u);
  EXPECT_EQ(notices_.warn(ends - 47h, 48h, 10), 1u);
  EXPECT_EQ(notices_.warn(ends - 46h, 48h, 10), 0u);
  EXPECT_THAT(told(sender_), ElementsAre("delivered", "expiring"));
  EXPECT_THAT(told(alice_id_), ElementsAre("delivered"));
}

TEST_P(NoticeContract, OneDeviceOfEachRecipientIsEnough) {
  delivered_to({phone_.recipient, laptop_.recipient, senders_.recipient}, 24h * 10);
  collect(laptop_.recipient);
  delivered_to({phone_.recipient, bob_.recipient}, 24h * 10);
  collect(phone_.recipient);
  EXPECT_EQ(notices_.warn(now_ + 24h * 9, 48h, 10), 2u);
  EXPECT_THAT(told(sender_), ElementsAre("delivered", "collected", "collected", "expiring"));
}

TEST_P(NoticeContract, AShortLifeIsWarnedOfInItsLastQuarter) {
  delivered_to({phone_.recipient}, 8h);
  EXPECT_EQ(notices_.warn(now_ + 5h, 48h, 10), 0u);
  EXPECT_EQ(notices_.warn(now_ + 7h, 48h, 10), 1u);
  delivered_to({phone_.recipient}, 8h);
  EXPECT_EQ(notices_.warn(now_ + 9h, 48h, 10), 0u) << "it is over";
}

// --- Webhooks
// -------------------------------------------------------------------------------------

class WebhookContract : public NoticeContract {
 protected:
  WebhookStore& webhooks_ = store_->webhooks();
  const Webhook webhook_{"https://receiver.example/letters", "PEM"};

  std::optional<WebhookTurn> take(std::chrono::sys_seconds when) {
    while (notices_.place(10) > 0) {
    }
    return webhooks_.take(when, when + 60s, 10);
  }
};

TEST_P(WebhookContract, GetsWhatHappensFromNowOnInOrder) {
  delivered_to({phone_.recipient});
  all(alice_id_);
  webhooks_.put(tenant_, webhook_, some_event());
  EXPECT_EQ(webhooks_.find(tenant_), webhook_);
  EXPECT_FALSE(take(now_));
  const NewDelivery delivery = delivered_to({phone_.recipient});
  collect(phone_.recipient);
  const auto turn = take(now_);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->tenant, tenant_);
  EXPECT_EQ(turn->webhook, webhook_);
  ASSERT_EQ(turn->notices.size(), 2u);
  EXPECT_EQ(turn->notices[0].kind, NoticeKind::kDelivered);
  EXPECT_EQ(turn->notices[1].kind, NoticeKind::kCollected);
  EXPECT_EQ(webhooks_.backlog().notices, 2u);

  webhooks_.told(tenant_, turn->notices[0].place);
  webhooks_.told(tenant_, turn->notices[0].place - 1);
  webhooks_.done(tenant_, false, now_);
  const auto next = take(now_);
  ASSERT_TRUE(next);
  ASSERT_EQ(next->notices.size(), 1u);
  EXPECT_EQ(next->notices[0].id, turn->notices[1].id);
  webhooks_.told(tenant_, next->notices[0].place);
  EXPECT_EQ(webhooks_.backlog().notices, 0u);
  EXPECT_FALSE(take(now_ + 1h));
}

TEST_P(WebhookContract, ATurnIsOnesUntilItLapses) {
  webhooks_.put(tenant_, webhook_, some_event());
  delivered_to({phone_.recipient});
  ASSERT_TRUE(take(now_));
  EXPECT_FALSE(take(now_ + 59s));
  const auto again = take(now_ + 60s);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->failures, 0u);
}

TEST_P(WebhookContract, WhatWasInVainIsTriedAgainLater) {
  webhooks_.put(tenant_, webhook_, some_event());
  delivered_to({phone_.recipient});
  for (unsigned failures = 0; failures < 3; ++failures) {
    const auto when = now_ + failures * 10s;
    const auto turn = take(when);
    ASSERT_TRUE(turn);
    EXPECT_EQ(turn->failures, failures);
    webhooks_.done(tenant_, true, when + 10s);
    EXPECT_FALSE(take(when + 9s));
  }
}

TEST_P(WebhookContract, AnotherReceiverGetsWhatTheOneBeforeDidnt) {
  webhooks_.put(tenant_, webhook_, some_event());
  delivered_to({phone_.recipient});
  ASSERT_TRUE(take(now_));
  webhooks_.done(tenant_, true, now_ + 1h);
  const std::size_t before = events();
  webhooks_.put(tenant_, webhook_, some_event());
  EXPECT_EQ(events(), before) << "nothing changed";
  webhooks_.put(tenant_, Webhook{"https://other.example/", ""}, some_event());
  EXPECT_EQ(events(), before + 1);
  const auto turn = take(now_);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->webhook.url, "https://other.example/");
  webhooks_.put(tenant_, std::nullopt, some_event());
  EXPECT_FALSE(webhooks_.find(tenant_));
  EXPECT_FALSE(take(now_ + 1h));
}

TEST_P(WebhookContract, WhatWasNeverToldIsGivenUpAndWrittenDown) {
  delivered_to({phone_.recipient}, 24h * 30);
  all(alice_id_);
  webhooks_.put(tenant_, webhook_, some_event());
  delivered_to({phone_.recipient}, 24h * 30);
  const Uuid lost = all(alice_id_).back().id;
  const std::size_t before = events();
  EXPECT_EQ(store_->sweep_lapsed(now_ + kNoticesKept + 1h, 10).notices, 2u);
  ASSERT_EQ(events(), before + 1);
  const AuditEvent given_up = store_->audit().read(tenant_, std::nullopt, 10'000).back().event;
  EXPECT_EQ(given_up.outcome, AuditOutcome::kFailure);
  EXPECT_EQ(given_up.object, lost);
}

// --- Mail
// -----------------------------------------------------------------------------------------

class MailContract : public NoticeContract {
 protected:
  MailStore& mail_ = store_->mail();

  std::optional<MailTurn> take(std::chrono::sys_seconds when) {
    while (notices_.place(10) > 0) {
    }
    return mail_.take(when, when + 60s);
  }
};

TEST_P(MailContract, OneMailTellsOfAllThereIs) {
  mail_.put(tenant_, alice_id_, "alice@hospital.example", some_event());
  EXPECT_EQ(mail_.find(tenant_, alice_id_), "alice@hospital.example");
  EXPECT_FALSE(take(now_));
  for (int i = 0; i < 3; ++i) delivered_to({phone_.recipient, laptop_.recipient});
  const auto turn = take(now_);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->address, "alice@hospital.example");
  EXPECT_EQ(turn->principal, alice_id_);
  EXPECT_EQ(mail_.backlog().notices, 3u);
  EXPECT_FALSE(take(now_ + 59s)) << "it is somebody's turn";
  mail_.told(*turn, now_ + 10min);
  EXPECT_EQ(mail_.backlog().notices, 0u);
  EXPECT_FALSE(take(now_ + 1h));
  delivered_to({phone_.recipient});
  EXPECT_FALSE(take(now_ + 9min)) << "not so soon again";
  EXPECT_TRUE(take(now_ + 10min));
}

TEST_P(MailContract, NobodyIsWrittenToAboutWhatTheySentOrWhatMerelyEnded) {
  mail_.put(tenant_, sender_, "sender@hospital.example", some_event());
  mail_.put(tenant_, alice_id_, "alice@hospital.example", some_event());
  const NewDelivery delivery = delivered_to({phone_.recipient, senders_.recipient}, 8h);
  collect(phone_.recipient);
  ASSERT_EQ(take(now_)->principal, alice_id_);
  mail_.told({tenant_, alice_id_, "", 0, notices_.last()}, now_);
  share(delivery, {phone_.recipient, bob_.recipient, senders_.recipient});
  mail_.told(take(now_).value(), now_);
  store_->deliveries().revoke(tenant_, delivery.id, "", some_event());
  EXPECT_FALSE(take(now_ + 1h));

  delivered_to({bob_.recipient}, 8h);
  EXPECT_FALSE(take(now_ + 1h)) << "bob has no address";
  notices_.warn(now_ + 7h, 48h, 10);
  EXPECT_EQ(take(now_ + 7h)->principal, sender_) << "it ends unread";
}

TEST_P(MailContract, WhatWasInVainIsTriedAgainAndTheRevokedAreLeftAlone) {
  mail_.put(tenant_, alice_id_, "alice@hospital.example", some_event());
  delivered_to({phone_.recipient});
  const auto turn = take(now_);
  ASSERT_TRUE(turn);
  mail_.in_vain(*turn, now_ + 10s);
  EXPECT_FALSE(take(now_ + 9s));
  const auto again = take(now_ + 10s);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->failures, 1u);
  mail_.in_vain(*again, now_ + 10s);
  store_->principals().revoke(tenant_, alice_id_, some_event());
  EXPECT_FALSE(take(now_ + 1h));
  EXPECT_EQ(error_of([&] { mail_.put(tenant_, Uuid::v7(), "a@b", some_event()); }),
            ErrorCode::kNotFound);
}

TEST_P(MailContract, WithoutAnAddressThereIsNone) {
  mail_.put(tenant_, alice_id_, "alice@hospital.example", some_event());
  delivered_to({phone_.recipient});
  const std::size_t before = events();
  mail_.put(tenant_, alice_id_, "alice@hospital.example", some_event());
  EXPECT_EQ(events(), before);
  mail_.put(tenant_, alice_id_, std::nullopt, some_event());
  EXPECT_EQ(events(), before + 1);
  EXPECT_FALSE(mail_.find(tenant_, alice_id_));
  EXPECT_FALSE(take(now_));
}

TEST_P(MailContract, WhoCouldntBeWrittenToIsGivenUpAndThatWrittenDown) {
  mail_.put(tenant_, alice_id_, "alice@hospital.example", some_event());
  delivered_to({phone_.recipient}, 24h * 30);
  all(alice_id_);
  const std::size_t before = events();
  store_->sweep_lapsed(now_ + kNoticesKept + 1h, 10);
  EXPECT_EQ(events(), before + 1);
  EXPECT_FALSE(take(now_ + 24h * 8));
}

INSTANTIATE_TEST_SUITE_P(Stores, NoticeContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Stores, WebhookContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Stores, MailContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
