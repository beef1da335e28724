// What storage's headers promise of studies, sealed indexes and revoking, held against both stores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class StudyContract : public BothStores {
 protected:
  const Uuid sender_ = some_principal(*store_, tenant_, "pacs@here", PrincipalKind::kMachine).id;
  BlobStore& blobs_ = store_->blobs();
  DeliveryStore& deliveries_ = store_->deliveries();
  StudyStore& studies_ = store_->studies();

  SealedFile file(std::size_t size = 10) { return sealed_file(Uuid::v7(), size); }

  CommitOutcome send(const Mac& study, const std::variant<Uuid, NewStudy>& into,
                     const std::vector<SealedFile>& files) {
    return store_request(*store_, tenant_, study, into, files);
  }
  // A request of this one file, which is known by `instance`.
  CommitOutcome send(const Mac& study, const std::variant<Uuid, NewStudy>& into,
                     const SealedFile& one, const Mac& instance) {
    const auto request = studies_.begin(tenant_);
    add(*request, one);
    PlacedFile where = placed(one);
    where.instance = instance;
    return request->commit({{study, into, {where}}}, some_event());
  }

  // A study's delivery with one file, that may be joined.
  NewStudy opened(const Mac& study, std::chrono::seconds closes_after = 60s) {
    NewStudy into = some_study(sender_);
    into.closes_after = closes_after;
    EXPECT_EQ(send(study, into, {file()}), CommitOutcome::kDone);
    return into;
  }

  void close(const Uuid& delivery) {
    std::vector<Uuid> files;
    const Delivery open = deliveries_.find(tenant_, delivery).value();
    for (const FileSummary& one : open.files) files.push_back(one.id);
    deliveries_.close(tenant_, delivery, "a manifest", files, files, some_event());
  }

  // So far, of the study that may be joined.
  std::size_t instances(const Mac& study) {
    const Uuid delivery = studies_.find_open(tenant_, study).value().delivery;
    return deliveries_.find(tenant_, delivery).value().files.size();
  }

  std::vector<Uuid> due(std::chrono::sys_seconds when, std::size_t limit = 100) {
    std::vector<Uuid> ids;
    for (const OpenStudy& study : studies_.due(when, limit)) ids.push_back(study.delivery);
    return ids;
  }
};

// --- Requests -----------------------------------------------------------------------------------

TEST_P(StudyContract, RequestsOfOneStudyAreOneDelivery) {
  const Mac study = some_digest();
  EXPECT_FALSE(studies_.find_open(tenant_, study));
  NewStudy into = some_study(sender_);
  into.delivery.recipients = {"age1b", "age1C", "age1a"};
  const SealedFile first = file(100);
  EXPECT_EQ(send(study, into, {first}), CommitOutcome::kDone);

  JoinableStudy open = studies_.find_open(tenant_, study).value();
  EXPECT_EQ(open.delivery, into.delivery.id);
  EXPECT_THAT(open.covers, ElementsAre(into.delivery.cover));
  EXPECT_THAT(open.recipients, ElementsAre("age1C", "age1a", "age1b"));
  EXPECT_EQ(instances(study), 1u);
  const SealedFile second = file(2'000'000);
  const SealedFile third = file(0);
  EXPECT_EQ(send(study, open.delivery, {second, third}), CommitOutcome::kDone);
  EXPECT_EQ(instances(study), 3u);

  EXPECT_THAT(deliveries_.inbox(tenant_, "age1a", std::nullopt, 10).deliveries, IsEmpty());
  EXPECT_FALSE(blobs_.find(tenant_, first.record.id));
  close(open.delivery);
  EXPECT_FALSE(studies_.find_open(tenant_, study));
  const Delivery closed = deliveries_.inbox(tenant_, "age1a", std::nullopt, 10).deliveries.at(0);
  EXPECT_TRUE(closed.sealed_by_gateway);
  EXPECT_THAT(closed.files, SizeIs(3));
  EXPECT_THAT(closed.indexes, SizeIs(3));
  for (const SealedFile& sent : {first, second, third}) {
    const FileRecord found = blobs_.find(tenant_, sent.record.id).value();
    EXPECT_EQ(found.delivery, open.delivery);
    EXPECT_EQ(found.header, sent.record.header);
    EXPECT_EQ(found.nonce, sent.record.nonce);
    EXPECT_EQ(found.payload_length, sent.record.payload_length);
    EXPECT_EQ(found.payload_sha256, sent.record.payload_sha256);
    EXPECT_EQ(read_payload(*store_, tenant_, sent.record.id), sent.payload());
  }
}

TEST_P(StudyContract, ARequestOfManyFilesComesBackByteExactWithItsIndexes) {
  const auto request = studies_.begin(tenant_);
  const NewStudy into = some_study(sender_);
  StudyCommit commit{some_digest(), into, {}};
  std::vector<SealedFile> files;
  std::map<Uuid, std::string> indexes;
  std::map<Uuid, FileSummary> summaries;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kPlainRow - 1, kPlainRow, kPlainRow + 1, 5 * kPlainRow,
        std::size_t{700'000}, 3 * kPlainRow - 1, std::size_t{77}}) {
    const SealedFile sent = file(size);
    const SealedIndex index = some_index(sent.record.id, size % 65536);
    request->begin_file(sent.record.id);
    for (const Ciphertext& row : sent.rows) request->append(row);
    request->end_file(sent.record.nonce, sent.record.payload_sha256, index.payload);
    commit.files.push_back(placed(sent));
    commit.files.back().index_header = index.header;
    indexes[sent.record.id] = std::string(as_text(index.header)) + to_hex(index.payload.nonce) +
                              std::string(as_text(index.payload.row.view()));
    summaries[sent.record.id] = {sent.record.id, 16 + index.payload.row.size(),
                                 index.payload.sha256};
    files.push_back(sent);
  }
  EXPECT_EQ(request->commit({commit}, some_event()), CommitOutcome::kDone);
  close(into.delivery.id);
  for (const SealedFile& sent : files) {
    EXPECT_EQ(read_payload(*store_, tenant_, sent.record.id), sent.payload());
  }
  EXPECT_EQ(read_indexes(*store_, tenant_, into.delivery.id), indexes);
  const Delivery closed = deliveries_.find(tenant_, into.delivery.id).value();
  ASSERT_THAT(closed.indexes, SizeIs(files.size()));
  auto expected = summaries.begin();
  for (const FileSummary& found : closed.indexes) {
    EXPECT_EQ(found.id, expected->second.id);
    EXPECT_EQ(found.payload_length, expected->second.payload_length);
    EXPECT_EQ(found.payload_sha256, expected->second.payload_sha256);
    ++expected;
  }
}

TEST_P(StudyContract, NothingOfARequestIsThereBeforeItsCommit) {
  const Mac study = some_digest();
  const NewStudy into = opened(study);
  const SealedFile sent = file(3 * kPlainRow);
  {
    const auto request = studies_.begin(tenant_);
    add(*request, sent);
    add(*request, file());
    EXPECT_EQ(instances(study), 1u);
    EXPECT_THAT(deliveries_.find(tenant_, into.delivery.id).value().files, SizeIs(1));
  }
  close(into.delivery.id);
  EXPECT_FALSE(blobs_.find(tenant_, sent.record.id));
}

TEST_P(StudyContract, FilesThatAreDroppedOrPlacedNowhereAreNotStored) {
  const auto request = studies_.begin(tenant_);
  const SealedFile kept = file(kPlainRow + 5);
  for (const std::size_t rows : {0u, 1u, 4u}) {
    const SealedFile dropped = file(rows * kPlainRow + 1);
    request->begin_file(dropped.record.id);
    for (const Ciphertext& row : dropped.rows) request->append(row);
    request->drop_file();
  }
  request->begin_file(Uuid::v7());
  request->drop_file();
  const SealedFile small = file();
  const SealedFile big = file(4 * kPlainRow);
  add(*request, big);
  add(*request, kept);
  add(*request, small);
  const NewStudy into = some_study(sender_);
  EXPECT_EQ(request->commit({{some_digest(), into, {placed(kept)}}}, some_event()),
            CommitOutcome::kDone);
  close(into.delivery.id);
  EXPECT_EQ(read_payload(*store_, tenant_, kept.record.id), kept.payload());
  EXPECT_FALSE(blobs_.find(tenant_, small.record.id));
  EXPECT_FALSE(blobs_.find(tenant_, big.record.id));
}

TEST_P(StudyContract, ARequestMayBringSeveralStudies) {
  const auto request = studies_.begin(tenant_);
  const Mac known = some_digest();
  const NewStudy joined = opened(known);
  std::vector<StudyCommit> studies;
  std::vector<SealedFile> files;
  for (int i = 0; i < 3; ++i) {
    files.push_back(file(700'000));
    add(*request, files.back());
    studies.push_back({some_digest(), some_study(sender_), {placed(files.back())}});
  }
  studies[1].study = known;
  studies[1].into = joined.delivery.id;
  EXPECT_EQ(request->commit(studies, some_event()), CommitOutcome::kDone);
  EXPECT_EQ(instances(known), 2u);
  for (const int i : {0, 2}) {
    const auto& study = studies[static_cast<std::size_t>(i)];
    const Uuid delivery = std::get<NewStudy>(study.into).delivery.id;
    EXPECT_EQ(studies_.find_open(tenant_, study.study).value().delivery, delivery);
    close(delivery);
    EXPECT_TRUE(blobs_.find(tenant_, study.files[0].id));
  }
}

TEST_P(StudyContract, OneStudyThatMovedStoresNothingOfTheOthers) {
  const auto request = studies_.begin(tenant_);
  const SealedFile one = file();
  const SealedFile other = file();
  add(*request, one);
  add(*request, other);
  const NewStudy fresh = some_study(sender_);
  EXPECT_EQ(request->commit({{some_digest(), fresh, {placed(one)}},
                             {some_digest(), Uuid::v7(), {placed(other)}}},
                            some_event()),
            CommitOutcome::kMoved);
  EXPECT_FALSE(deliveries_.find(tenant_, fresh.delivery.id));
}

// --- The study moved ----------------------------------------------------------------------------

TEST_P(StudyContract, AStudyThatMovedIsJudgedAgainByTheSameRequest) {
  const Mac study = some_digest();
  const NewStudy into = opened(study);
  const auto request = studies_.begin(tenant_);
  const SealedFile sent = file(3 * kPlainRow + 1);
  add(*request, sent);
  const PlacedFile where = placed(sent);
  close(into.delivery.id);
  EXPECT_EQ(request->commit({{study, into.delivery.id, {where}}}, some_event()),
            CommitOutcome::kMoved);
  EXPECT_THAT(studies_.find(tenant_, {where.instance}), IsEmpty());

  const NewStudy next = some_study(sender_);
  EXPECT_EQ(request->commit({{study, next, {where}}}, some_event()), CommitOutcome::kDone);
  close(next.delivery.id);
  EXPECT_EQ(read_payload(*store_, tenant_, sent.record.id), sent.payload());
}

TEST_P(StudyContract, WhatCannotBeJoinedMoved) {
  const Mac study = some_digest();
  const NewStudy into = opened(study);
  EXPECT_EQ(send(some_digest(), into.delivery.id, {file()}), CommitOutcome::kMoved)
      << "another study's";
  EXPECT_EQ(send(study, Uuid::v7(), {file()}), CommitOutcome::kMoved) << "none at all";
  const NewDelivery letter = some_delivery(sender_);
  deliveries_.open(tenant_, letter, some_event());
  EXPECT_EQ(send(study, letter.id, {file()}), CommitOutcome::kMoved) << "no study's";
  EXPECT_EQ(send(study, some_study(sender_), {file()}), CommitOutcome::kMoved)
      << "there is an open one";
  EXPECT_EQ(send(study, into.delivery.id, {file()}), CommitOutcome::kDone);
  EXPECT_TRUE(deliveries_.revoke(tenant_, into.delivery.id, "receipt", some_event()));
  EXPECT_EQ(send(study, into.delivery.id, {file()}), CommitOutcome::kMoved) << "revoked";
  EXPECT_EQ(send(study, some_study(sender_), {file()}), CommitOutcome::kDone);
}

TEST_P(StudyContract, AnInstanceIsInAnOpenDeliveryOnce) {
  const Mac study = some_digest();
  const Mac instance = some_digest();
  const NewStudy into = some_study(sender_);
  EXPECT_EQ(send(study, into, file(), instance), CommitOutcome::kDone);
  EXPECT_EQ(send(study, into.delivery.id, file(), instance), CommitOutcome::kMoved);
  EXPECT_EQ(instances(study), 1u);
  close(into.delivery.id);
  EXPECT_EQ(send(study, some_study(sender_), file(), instance), CommitOutcome::kDone);
  EXPECT_THAT(studies_.find(tenant_, {instance}), SizeIs(2));
}

TEST_P(StudyContract, ATakenIdIsAConflictAndAnUnknownSenderIsNotFound) {
  NewStudy into = some_study(sender_);
  into.delivery.id = opened(some_digest()).delivery.id;
  EXPECT_EQ(error_of([&] { (void)send(some_digest(), into, {file()}); }), ErrorCode::kConflict);
  NewStudy strange = some_study(Uuid::v7());
  EXPECT_EQ(error_of([&] { (void)send(some_digest(), strange, {file()}); }), ErrorCode::kNotFound);

  const Mac study = some_digest();
  const SealedFile sent = file();
  const NewStudy first = some_study(sender_);
  EXPECT_EQ(send(study, first, {sent}), CommitOutcome::kDone);
  EXPECT_EQ(error_of([&] { (void)send(study, first.delivery.id, {sent}); }), ErrorCode::kConflict);
}

// --- Continuing, closing ------------------------------------------------------------------------

TEST_P(StudyContract, AContinuedDeliveryTakesNothingMoreAndIsDue) {
  const Mac study = some_digest();
  const NewStudy first = opened(study);
  EXPECT_THAT(due(now()), IsEmpty());
  NewStudy second = some_study(sender_);
  second.continues = first.delivery.id;
  const SealedFile sent = file();
  EXPECT_EQ(send(study, second, {sent}), CommitOutcome::kDone);
  EXPECT_EQ(studies_.find_open(tenant_, study).value().delivery, second.delivery.id);
  EXPECT_THAT(due(now()), ElementsAre(first.delivery.id));
  EXPECT_EQ(send(study, first.delivery.id, {file()}), CommitOutcome::kMoved);

  NewStudy late = some_study(sender_);
  late.continues = first.delivery.id;
  EXPECT_EQ(send(study, late, {file()}), CommitOutcome::kMoved) << "somebody continued it before";
  close(first.delivery.id);
  EXPECT_THAT(due(now()), IsEmpty());
}

TEST_P(StudyContract, ARequestMayFillADeliveryAndContinueIt) {
  const Mac study = some_digest();
  const NewStudy first = opened(study);
  NewStudy second = some_study(sender_);
  second.continues = first.delivery.id;
  const SealedFile fits = file();
  const SealedFile does_not = file();
  const auto request = studies_.begin(tenant_);
  add(*request, fits);
  add(*request, does_not);
  EXPECT_EQ(request->commit(
                {{study, first.delivery.id, {placed(fits)}}, {study, second, {placed(does_not)}}},
                some_event()),
            CommitOutcome::kDone);
  EXPECT_THAT(deliveries_.find(tenant_, first.delivery.id).value().files, SizeIs(2));
  EXPECT_EQ(instances(study), 1u);
}

TEST_P(StudyContract, AFullDeliveryIsNotJoinedByMany) {
  const Mac study = some_digest();
  const NewStudy into = some_study(sender_);
  const auto many = [&](std::size_t count) {
    std::vector<SealedFile> files;
    for (std::size_t i = 0; i < count; ++i) files.push_back(file(1));
    return files;
  };
  EXPECT_EQ(send(study, into, many(kMaxInstances - 30)), CommitOutcome::kDone);
  EXPECT_EQ(send(study, into.delivery.id, many(31)), CommitOutcome::kMoved);
  EXPECT_EQ(studies_.find_open(tenant_, study).value().instances, kMaxInstances - 30)
      << "to be judged by again";
  EXPECT_EQ(send(study, into.delivery.id, many(29)), CommitOutcome::kDone);
  EXPECT_THAT(due(now()), IsEmpty());
  EXPECT_EQ(send(study, into.delivery.id, many(1)), CommitOutcome::kDone);
  EXPECT_EQ(instances(study), kMaxInstances);
  EXPECT_THAT(due(now()), ElementsAre(into.delivery.id));
  EXPECT_EQ(send(study, into.delivery.id, many(17)), CommitOutcome::kMoved);
  EXPECT_EQ(send(study, into.delivery.id, many(1)), CommitOutcome::kDone) << "not counted";
  EXPECT_EQ(
      error_of([&] { (void)send(some_digest(), some_study(sender_), many(kMaxInstances + 1)); }),
      ErrorCode::kInternal);
  close(into.delivery.id);
  EXPECT_THAT(read_indexes(*store_, tenant_, into.delivery.id), SizeIs(kMaxInstances + 1));
}

TEST_P(StudyContract, AStudyIsDueWhenItWasQuietOrOpenForLong) {
  // Far apart, so that the test's own time doesn't matter.
  const NewStudy quick = opened(some_digest(), 600s);
  const NewStudy slow = opened(some_digest(), 1500s);
  EXPECT_THAT(due(now()), IsEmpty());
  EXPECT_THAT(due(now() + 605s), ElementsAre(quick.delivery.id));
  EXPECT_THAT(due(now() + 1505s), UnorderedElementsAre(quick.delivery.id, slow.delivery.id));
  EXPECT_THAT(due(now() + 1505s, 1), SizeIs(1));

  NewStudy old = some_study(sender_);
  old.closes_after = 1500s;
  old.delivery.created -= 20min;
  EXPECT_EQ(send(some_digest(), old, {file()}), CommitOutcome::kDone);
  EXPECT_THAT(due(now()), IsEmpty());
  EXPECT_THAT(due(now() + 605s), UnorderedElementsAre(old.delivery.id, quick.delivery.id));

  for (const NewStudy& one : {quick, slow, old}) close(one.delivery.id);
  EXPECT_THAT(due(now() + 1505s), IsEmpty());
}

TEST_P(StudyContract, AMailboxThatClosesWithEachRequestLeavesNothingToJoin) {
  const Mac study = some_digest();
  const NewStudy first = opened(study, 0s);
  EXPECT_FALSE(studies_.find_open(tenant_, study));
  EXPECT_THAT(due(now()), ElementsAre(first.delivery.id));
  EXPECT_EQ(send(study, first.delivery.id, {file()}), CommitOutcome::kMoved);
  const NewStudy second = opened(study, 0s);
  EXPECT_THAT(due(now()), UnorderedElementsAre(first.delivery.id, second.delivery.id));
}

TEST_P(StudyContract, WhatIsDueOrJoinableSaysWhoseItIs) {
  const TenantId other = some_tenant(*store_);
  const Uuid their_pacs = some_principal(*store_, other, "pacs@there").id;
  NewStudy ours = some_study(sender_);
  ours.delivery.recipients = {"age1b", "age1a"};
  ours.mailbox = "er";
  const NewStudy theirs = some_study(their_pacs);
  EXPECT_EQ(send(some_digest(), ours, {file()}), CommitOutcome::kDone);
  EXPECT_EQ(store_request(*store_, other, some_digest(), theirs, {file()}), CommitOutcome::kDone);

  const auto expect_both = [&](const std::vector<OpenStudy>& found) {
    ASSERT_THAT(found, SizeIs(2));
    const auto mine = std::find_if(found.begin(), found.end(),
                                   [&](const OpenStudy& one) { return one.tenant == tenant_; });
    ASSERT_NE(mine, found.end());
    EXPECT_EQ(mine->delivery, ours.delivery.id);
    EXPECT_EQ(mine->sender, sender_);
    EXPECT_EQ(mine->mailbox, "er");
    EXPECT_THAT(mine->recipients, ElementsAre("age1a", "age1b"));
  };
  expect_both(studies_.due(now() + 61s, 10));
  expect_both(studies_.joinable(std::nullopt, 10));

  std::vector<Uuid> in_order = {ours.delivery.id, theirs.delivery.id};
  std::sort(in_order.begin(), in_order.end());
  const auto page = studies_.joinable(std::nullopt, 1);
  ASSERT_THAT(page, SizeIs(1));
  EXPECT_EQ(page[0].delivery, in_order[0]);
  const auto next = studies_.joinable(in_order[0], 10);
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].delivery, in_order[1]);
  EXPECT_THAT(studies_.joinable(in_order[1], 10), IsEmpty());
}

TEST_P(StudyContract, WhatHasNoFileLeftIsNotDueAndMayBeJoined) {
  const Mac study = some_digest();
  const NewStudy into = opened(study);
  const Uuid only = deliveries_.find(tenant_, into.delivery.id).value().files.at(0).id;
  EXPECT_TRUE(blobs_.remove(tenant_, only, some_event()));
  EXPECT_THAT(due(now() + 3600s), IsEmpty());
  EXPECT_EQ(send(study, into.delivery.id, {file()}), CommitOutcome::kDone);
  EXPECT_THAT(due(now() + 65s), ElementsAre(into.delivery.id));
}

TEST_P(StudyContract, ADeliveryThatExpiredUnclosedIsNotInTheWay) {
  const Mac study = some_digest();
  const Mac instance = some_digest();
  NewStudy old = some_study(sender_);
  old.delivery = expired_delivery(sender_);
  EXPECT_EQ(send(study, old, file(), instance), CommitOutcome::kDone);
  EXPECT_FALSE(studies_.find_open(tenant_, study));
  EXPECT_THAT(studies_.find(tenant_, {instance}), IsEmpty());
  EXPECT_THAT(due(now() + 3600s), IsEmpty());
  EXPECT_THAT(studies_.joinable(std::nullopt, 10), IsEmpty());
  EXPECT_EQ(send(study, old.delivery.id, file(), instance), CommitOutcome::kMoved);
  EXPECT_EQ(send(study, some_study(sender_), file(), instance), CommitOutcome::kDone);
  EXPECT_THAT(studies_.find(tenant_, {instance}), SizeIs(1));
}

TEST_P(StudyContract, AFileThatCameAfterTheManifestWasMadeIsNotLost) {
  const Mac study = some_digest();
  const NewStudy into = opened(study);
  const Uuid named = deliveries_.find(tenant_, into.delivery.id).value().files.at(0).id;
  EXPECT_EQ(send(study, into.delivery.id, {file()}), CommitOutcome::kDone);
  EXPECT_EQ(error_of([&] {
              deliveries_.close(tenant_, into.delivery.id, "m", {named}, {named}, some_event());
            }),
            ErrorCode::kConflict);
  EXPECT_TRUE(studies_.find_open(tenant_, study));
}

// --- Where instances are ------------------------------------------------------------------------

TEST_P(StudyContract, AnInstanceIsFoundWhereverItLives) {
  const Mac study = some_digest();
  const Mac instance = some_digest();
  const NewStudy first = some_study(sender_);
  const SealedFile original = file();
  EXPECT_EQ(send(study, first, original, instance), CommitOutcome::kDone);
  std::vector<LiveInstance> found = studies_.find(tenant_, {some_digest(), instance});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].instance, instance);
  EXPECT_EQ(found[0].delivery, first.delivery.id);
  EXPECT_EQ(found[0].file, original.record.id);
  EXPECT_TRUE(found[0].joinable);
  const Mac content = found[0].content;

  close(first.delivery.id);
  const NewStudy second = some_study(sender_);
  const SealedFile corrected = file();
  EXPECT_EQ(send(study, second, corrected, instance), CommitOutcome::kDone);
  found = studies_.find(tenant_, {instance});
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].file, original.record.id);
  EXPECT_EQ(found[0].content, content);
  EXPECT_FALSE(found[0].joinable);
  EXPECT_EQ(found[1].file, corrected.record.id);
  EXPECT_NE(found[1].content, content);
  EXPECT_TRUE(found[1].joinable);

  EXPECT_THAT(studies_.find(tenant_, {}), IsEmpty());
  EXPECT_THAT(studies_.find(some_tenant(*store_), {instance}), IsEmpty());
  EXPECT_TRUE(blobs_.remove(tenant_, original.record.id, some_event()));
  EXPECT_THAT(studies_.find(tenant_, {instance}), SizeIs(1));
  EXPECT_TRUE(deliveries_.revoke(tenant_, second.delivery.id, "receipt", some_event()));
  EXPECT_THAT(studies_.find(tenant_, {instance}), IsEmpty());
}

// --- What is refused ----------------------------------------------------------------------------

TEST_P(StudyContract, CallsInAnotherOrderAreRefused) {
  const SealedFile sent = file();
  const auto internal = ErrorCode::kInternal;
  const auto index = some_index(sent.record.id).payload;
  const auto end = [&](RequestWriter& request) {
    request.end_file(sent.record.nonce, sent.record.payload_sha256, index);
  };
  const auto request = studies_.begin(tenant_);
  EXPECT_EQ(error_of([&] { request->append(sent.rows[0]); }), internal);
  EXPECT_EQ(error_of([&] { end(*request); }), internal);
  EXPECT_EQ(error_of([&] { request->drop_file(); }), internal);
  request->begin_file(sent.record.id);
  EXPECT_EQ(error_of([&] { request->begin_file(Uuid::v7()); }), internal);
  EXPECT_EQ(error_of([&] { end(*request); }), internal) << "without a row";
  request->append(sent.rows[0]);
  EXPECT_EQ(error_of([&] { request->append(sent.rows[0]); }), internal) << "after a short row";
  const std::vector<StudyCommit> commit = {{some_digest(), some_study(sender_), {placed(sent)}}};
  EXPECT_EQ(error_of([&] { (void)request->commit(commit, some_event()); }), internal);
  end(*request);
  EXPECT_EQ(error_of([&] { request->begin_file(sent.record.id); }), internal);
  EXPECT_EQ(request->commit(commit, some_event()), CommitOutcome::kDone);
  EXPECT_EQ(error_of([&] { request->begin_file(Uuid::v7()); }), internal);
  EXPECT_EQ(error_of([&] { (void)request->commit(commit, some_event()); }), internal);
}

TEST_P(StudyContract, AnUnsoundCommitIsRefused) {
  const SealedFile one = file();
  const SealedFile other = file();
  const auto request = studies_.begin(tenant_);
  add(*request, one);
  add(*request, other);
  const StudyCommit sound{some_digest(), some_study(sender_), {placed(one), placed(other)}};
  const auto refused = [&](const auto& spoil) {
    StudyCommit commit = sound;
    spoil(commit);
    return error_of([&] { (void)request->commit({commit}, some_event()); }) == ErrorCode::kInternal;
  };
  EXPECT_EQ(error_of([&] { (void)request->commit({}, some_event()); }), ErrorCode::kInternal);
  EXPECT_TRUE(refused([](StudyCommit& commit) { commit.files.clear(); }));
  EXPECT_TRUE(refused([](StudyCommit& commit) { commit.files[1].id = Uuid::v7(); }));
  EXPECT_TRUE(refused([](StudyCommit& commit) { commit.files[1].id = commit.files[0].id; }));
  EXPECT_TRUE(refused([](StudyCommit& commit) { commit.files[1].header.clear(); }));
  EXPECT_TRUE(refused([](StudyCommit& commit) { commit.files[1].index_header.clear(); }));
  EXPECT_TRUE(
      refused([](StudyCommit& commit) { commit.files[1].instance = commit.files[0].instance; }));
  EXPECT_TRUE(refused(
      [](StudyCommit& commit) { std::get<NewStudy>(commit.into).delivery.recipients.clear(); }));
  EXPECT_TRUE(refused(
      [](StudyCommit& commit) { std::get<NewStudy>(commit.into).closes_after = 30min + 1s; }));
  EXPECT_EQ(request->commit({sound}, some_event()), CommitOutcome::kDone);
}

TEST_P(StudyContract, ARequestIsRecordedIfAndOnlyIfItIsStored) {
  const auto trail = [&] { return store_->audit().read(tenant_, std::nullopt, 100); };
  const auto request = studies_.begin(tenant_);
  const SealedFile sent = file();
  add(*request, sent);
  const Mac study = some_digest();
  const std::size_t before = trail().size();
  EXPECT_EQ(request->commit({{study, Uuid::v7(), {placed(sent)}}}, some_event()),
            CommitOutcome::kMoved);
  AuditEvent unsound = some_event();
  unsound.peer = "192.0.2.1:443";
  const std::vector<StudyCommit> commit = {{study, some_study(sender_), {placed(sent)}}};
  EXPECT_EQ(error_of([&] { (void)request->commit(commit, unsound); }), ErrorCode::kInternal);
  EXPECT_THAT(trail(), SizeIs(before));
  EXPECT_FALSE(studies_.find_open(tenant_, study)) << "what couldn't be recorded was done";
  const AuditEvent event = some_event();
  EXPECT_EQ(request->commit(commit, event), CommitOutcome::kDone);
  ASSERT_THAT(trail(), SizeIs(before + 1));
  EXPECT_EQ(trail().back().event.object, event.object);
}

// --- Many at once -------------------------------------------------------------------------------

TEST_P(StudyContract, ManyConnectionsSendOneStudyAndNothingIsLostOrTwice) {
  const Mac study = some_digest();
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 10;
  std::vector<Mac> instances;  // everybody sends the last three, and otherwise their own
  for (std::size_t i = 0; i < kThreads * kEach + 3; ++i) instances.push_back(some_digest());

  const auto send_one = [&](std::size_t i) {
    const auto request = studies_.begin(tenant_);
    const SealedFile sent = file(500);
    add(*request, sent);
    PlacedFile where = placed(sent);
    where.instance = instances[i];
    for (;;) {
      const auto open = studies_.find_open(tenant_, study);
      if (!studies_.find(tenant_, {where.instance}).empty()) return;
      std::variant<Uuid, NewStudy> into = some_study(sender_);
      if (open) into = open->delivery;
      if (request->commit({{study, into, {where}}}, some_event()) == CommitOutcome::kDone) return;
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < kEach; ++i) send_one(t * kEach + i);
      for (std::size_t i = kThreads * kEach; i < instances.size(); ++i) send_one(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(this->instances(study), instances.size());
  EXPECT_THAT(studies_.find(tenant_, instances), SizeIs(instances.size()));
  EXPECT_THAT(studies_.joinable(std::nullopt, 10), SizeIs(1));
}

TEST_P(StudyContract, WhatIsClosedWhileOthersSendHoldsExactlyWhatItNames) {
  const Mac study = some_digest();
  std::atomic<int> left = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto request = studies_.begin(tenant_);
        const SealedFile sent = file();
        add(*request, sent);
        const PlacedFile where = placed(sent);
        for (auto outcome = CommitOutcome::kMoved; outcome == CommitOutcome::kMoved;) {
          const auto open = studies_.find_open(tenant_, study);
          std::variant<Uuid, NewStudy> into = some_study(sender_);
          if (open) into = open->delivery;
          outcome = request->commit({{study, into, {where}}}, some_event());
        }
      }
      --left;
    });
  }
  std::size_t delivered = 0;
  while (left > 0 || studies_.find_open(tenant_, study)) {
    const auto open = studies_.find_open(tenant_, study);
    if (!open) continue;
    const std::size_t seen = deliveries_.find(tenant_, open->delivery).value().files.size();
    if (!error_of([&] { close(open->delivery); })) {
      const std::size_t held = deliveries_.find(tenant_, open->delivery).value().files.size();
      EXPECT_GE(held, seen);
      delivered += held;
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(delivered, 40u);
}

// --- Sealed indexes -----------------------------------------------------------------------------

std::string text(const SealedIndex& index) {
  return std::string(as_text(index.header)) + to_hex(index.payload.nonce) +
         std::string(as_text(index.payload.row.view()));
}

TEST_P(StudyContract, AFileBringsItsIndexOrIsGivenOneWhileItsDeliveryIsOpen) {
  const NewDelivery delivery = some_delivery(sender_);
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile with = sealed_file(delivery.id, 10);
  const SealedFile later = sealed_file(delivery.id, kPlainRow + 1);
  const SealedFile never = sealed_file(delivery.id, 10);
  const SealedIndex index = some_index(with.record.id, 0);
  const SealedIndex late_index = some_index(later.record.id, 65536);
  staged(*store_, tenant_, with)->commit(with.record, &index, some_event());
  staged(*store_, tenant_, later)->commit(later.record, nullptr, some_event());
  staged(*store_, tenant_, never)->commit(never.record, nullptr, some_event());

  EXPECT_THAT(deliveries_.find(tenant_, delivery.id).value().indexes, SizeIs(1));
  const auto put = [&](const Uuid& where, const Uuid& file, const SealedIndex& what) {
    return error_of([&] { blobs_.put_index(tenant_, where, file, what, some_event()); });
  };
  EXPECT_EQ(put(delivery.id, with.record.id, index), ErrorCode::kConflict);
  EXPECT_EQ(put(delivery.id, Uuid::v7(), index), ErrorCode::kNotFound);
  EXPECT_EQ(put(Uuid::v7(), later.record.id, late_index), ErrorCode::kNotFound);
  SealedIndex bare = late_index;
  bare.header.clear();
  EXPECT_EQ(put(delivery.id, later.record.id, bare), ErrorCode::kInternal);
  EXPECT_EQ(put(delivery.id, later.record.id, some_index(later.record.id, 65537)),
            ErrorCode::kInternal);
  EXPECT_EQ(put(delivery.id, later.record.id, late_index), std::nullopt);
  EXPECT_EQ(put(delivery.id, later.record.id, late_index), ErrorCode::kConflict);
  EXPECT_EQ(error_of([&] { read_indexes(*store_, tenant_, delivery.id); }), ErrorCode::kNotFound)
      << "it is open";

  const std::vector<Uuid> all = {with.record.id, later.record.id, never.record.id};
  const auto close_with = [&](const std::vector<Uuid>& indexes) {
    return error_of(
        [&] { deliveries_.close(tenant_, delivery.id, "m", all, indexes, some_event()); });
  };
  EXPECT_EQ(close_with({}), ErrorCode::kConflict);
  EXPECT_EQ(close_with({with.record.id}), ErrorCode::kConflict);
  EXPECT_EQ(close_with(all), ErrorCode::kConflict);
  EXPECT_EQ(close_with({with.record.id, with.record.id}), ErrorCode::kConflict);
  EXPECT_EQ(close_with({later.record.id, with.record.id}), std::nullopt);
  EXPECT_EQ(put(delivery.id, never.record.id, some_index(never.record.id)), ErrorCode::kConflict);

  const auto found = read_indexes(*store_, tenant_, delivery.id);
  EXPECT_THAT(found, SizeIs(2));
  EXPECT_EQ(found.at(with.record.id), text(index));
  EXPECT_EQ(found.at(later.record.id), text(late_index));
  EXPECT_THAT(deliveries_.find(tenant_, delivery.id).value().indexes, SizeIs(2));
  EXPECT_EQ(read_payload(*store_, tenant_, later.record.id), later.payload());

  EXPECT_TRUE(blobs_.remove(tenant_, with.record.id, some_event()));
  EXPECT_THAT(read_indexes(*store_, tenant_, delivery.id), SizeIs(1));
}

TEST_P(StudyContract, ADeliveryOfOneFileHasItsIndexAtOnce) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 10);
  const SealedIndex index = some_index(file.record.id);
  staged(*store_, tenant_, file)
      ->commit_as_delivery(file.record, &index, delivery, "m", some_event());
  EXPECT_EQ(read_indexes(*store_, tenant_, delivery.id).at(file.record.id), text(index));
}

TEST_P(StudyContract, IndexesOfWhatIsNotThereAreNotFound) {
  const auto not_found = [&](TenantId tenant, const Uuid& delivery) {
    return error_of([&] { read_indexes(*store_, tenant, delivery); }) == ErrorCode::kNotFound;
  };
  EXPECT_TRUE(not_found(tenant_, Uuid::v7()));
  const NewDelivery expired = expired_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(expired.id, 10), expired);
  EXPECT_TRUE(not_found(tenant_, expired.id));
  const NewDelivery plain = some_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(plain.id, 10), plain);
  EXPECT_THAT(read_indexes(*store_, tenant_, plain.id), IsEmpty());
  EXPECT_TRUE(not_found(some_tenant(*store_), plain.id));
}

TEST_P(StudyContract, OfManyWhoBringOneIndexOneDoes) {
  const NewDelivery delivery = some_delivery(sender_);
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  std::atomic<int> put = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const auto error = error_of([&] {
        blobs_.put_index(tenant_, delivery.id, file.record.id, some_index(file.record.id),
                         some_event());
      });
      if (!error) ++put;
      EXPECT_EQ(error.value_or(ErrorCode::kConflict), ErrorCode::kConflict);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(put, 1);
}

// --- Revoking -----------------------------------------------------------------------------------

TEST_P(StudyContract, ARevokedDeliveryIsGoneForEverybody) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow);
  deliver(*store_, tenant_, file, delivery);
  const auto reader = blobs_.read(tenant_, file.record.id, 0);
  reader->next();
  EXPECT_FALSE(deliveries_.revoke(some_tenant(*store_), delivery.id, "receipt", some_event()));
  EXPECT_EQ(deliveries_.revoke(tenant_, delivery.id, "receipt", some_event()), "receipt");
  EXPECT_EQ(deliveries_.revoke(tenant_, delivery.id, "another", some_event()), "receipt");
  EXPECT_FALSE(deliveries_.revoke(tenant_, Uuid::v7(), "receipt", some_event()));

  EXPECT_FALSE(deliveries_.find(tenant_, delivery.id));
  EXPECT_FALSE(deliveries_.audience(tenant_, delivery.id));
  EXPECT_THAT(deliveries_.inbox(tenant_, delivery.recipients[0], std::nullopt, 10).deliveries,
              IsEmpty());
  EXPECT_FALSE(blobs_.find(tenant_, file.record.id));
  EXPECT_FALSE(blobs_.remove(tenant_, file.record.id, some_event()));
  EXPECT_EQ(error_of([&] { reader->next(); }), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { read_indexes(*store_, tenant_, delivery.id); }), ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { deliver(*store_, tenant_, sealed_file(delivery.id, 1), delivery); }),
            ErrorCode::kConflict)
      << "its id stays taken";
}

TEST_P(StudyContract, AnOpenDeliveryIsRevokedAndTakesNothingMore) {
  const NewDelivery delivery = some_delivery(sender_);
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile there = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, there)->commit(there.record, nullptr, some_event());
  EXPECT_TRUE(deliveries_.revoke(tenant_, delivery.id, "receipt", some_event()));
  const SealedFile late = sealed_file(delivery.id, 10);
  EXPECT_EQ(
      error_of([&] { staged(*store_, tenant_, late)->commit(late.record, nullptr, some_event()); }),
      ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] {
              deliveries_.close(tenant_, delivery.id, "m", {there.record.id}, {}, some_event());
            }),
            ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] {
              blobs_.put_index(tenant_, delivery.id, there.record.id, some_index(there.record.id),
                               some_event());
            }),
            ErrorCode::kNotFound);
}

TEST_P(StudyContract, AnExpiredDeliveryIsRevokedToo) {
  const NewDelivery expired = expired_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(expired.id, 10), expired);
  EXPECT_TRUE(deliveries_.revoke(tenant_, expired.id, "receipt", some_event()));
}

TEST_P(StudyContract, IndexesAndRevokingAreRecordedIfAndOnlyIfTheyHappen) {
  const NewDelivery delivery = some_delivery(sender_);
  deliveries_.open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  const SealedIndex index = some_index(file.record.id);
  const std::vector<std::function<bool(const AuditEvent&)>> changes = {
      [&](const auto& event) {
        return blobs_.put_index(tenant_, delivery.id, file.record.id, index, event), true;
      },
      [&](const auto& event) {
        const std::string own = event.object.value().text();
        return deliveries_.revoke(tenant_, delivery.id, own, event) == own;
      },
  };
  const auto trail = [&] { return store_->audit().read(tenant_, std::nullopt, 100); };
  AuditEvent unsound = some_event();
  unsound.peer = "192.0.2.1:443";
  for (const auto& change : changes) {
    const std::size_t before = trail().size();
    EXPECT_EQ(error_of([&] { change(unsound); }), ErrorCode::kInternal);
    EXPECT_THAT(trail(), SizeIs(before));
    const AuditEvent event = some_event();
    EXPECT_TRUE(change(event));
    ASSERT_THAT(trail(), SizeIs(before + 1));
    EXPECT_EQ(trail().back().event.object, event.object);
    bool again = false;
    const auto error = error_of([&] { again = change(some_event()); });
    EXPECT_TRUE(error || !again);
    EXPECT_THAT(trail(), SizeIs(before + 1));
  }
}

// --- Inboxes, mailboxes -------------------------------------------------------------------------

TEST_P(StudyContract, AnInboxsPageEndsWhereItsManifestsGetLong) {
  const std::string alice = some_recipient();
  std::vector<Uuid> all;
  for (int i = 0; i < 4; ++i) {
    NewDelivery delivery = some_delivery(sender_);
    delivery.recipients = {alice};
    const SealedFile file = sealed_file(delivery.id, 10);
    staged(*store_, tenant_, file)
        ->commit_as_delivery(file.record, nullptr, delivery,
                             std::string(kInboxPageManifests / 2, 'm'), some_event());
    all.push_back(delivery.id);
  }
  std::sort(all.begin(), all.end());
  InboxPage page = deliveries_.inbox(tenant_, alice, std::nullopt, 100);
  ASSERT_THAT(page.deliveries, SizeIs(2));
  EXPECT_EQ(page.deliveries[1].id, all[1]);
  EXPECT_TRUE(page.more);
  page = deliveries_.inbox(tenant_, alice, all[1], 100);
  ASSERT_THAT(page.deliveries, SizeIs(2));
  EXPECT_FALSE(page.more);
  page = deliveries_.inbox(tenant_, alice, all[1], 1);
  ASSERT_THAT(page.deliveries, SizeIs(1));
  EXPECT_TRUE(page.more);
  EXPECT_FALSE(deliveries_.inbox(tenant_, alice, all[2], 1).more);
  EXPECT_FALSE(deliveries_.inbox(tenant_, alice, all[3], 1).more);
}

TEST_P(StudyContract, AMailboxSaysHowQuietAStudyMustHaveBeen) {
  MailboxStore& mailboxes = store_->mailboxes();
  mailboxes.put(tenant_, {"ward", {}, {}}, some_event());
  EXPECT_EQ(mailboxes.find(tenant_, "ward").value().closes_after, 60s);
  for (const auto closes_after : {0s, 1s, 1800s}) {
    mailboxes.put(tenant_, {"ward", {}, {}, closes_after}, some_event());
    EXPECT_EQ(mailboxes.find(tenant_, "ward").value().closes_after, closes_after);
    EXPECT_EQ(mailboxes.list(tenant_).at(0).closes_after, closes_after);
  }
  for (const auto closes_after : {-1s, 1801s}) {
    EXPECT_EQ(error_of([&] {
                mailboxes.put(tenant_, {"er", {}, {}, closes_after}, some_event());
              }),
              ErrorCode::kInternal);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, StudyContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
