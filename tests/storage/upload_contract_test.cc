// What storage/upload_store.h promises, held against both stores.
#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "storage/lifetimes.h"
#include "storage/row_framing.h"
#include "tests/storage/both_stores.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

// An age file as it comes over the line, and how far it was sent.
struct Sent {
  SealedFile file;
  NewUpload upload;
  UploadHead head;

  explicit Sent(const Uuid& delivery, std::size_t plaintext)
      : file(sealed_file(delivery, plaintext)),
        upload{Uuid::v7(), delivery, file.record.id,
               file.record.header.size() + file.record.payload_length, "a device"},
        head{file.record.header, file.record.nonce} {}

  std::size_t head_size() const { return head.header.size() + kNonceSize; }
  std::span<const Ciphertext> rows(std::size_t from, std::size_t count) const {
    return std::span(file.rows).subspan(from, count);
  }
};

Bytes bytes_of(const char* text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

class UploadContract : public BothStores {
 protected:
  UploadStore& uploads_ = store_->uploads();
  const std::chrono::sys_seconds now_ = now();

  Upload created(const Sent& sent) {
    return uploads_.create(tenant_, sent.upload, kAnyAmount, now_, some_event());
  }
  std::unique_ptr<UploadWriter> resumed(const Sent& sent) {
    return uploads_.resume(tenant_, sent.upload.id, now_);
  }
  void complete(const Sent& sent) {
    resumed(sent)->complete({.head = &sent.head, .rows = sent.file.rows},
                            sent.file.record.payload_sha256, now_, some_event());
  }
  void close(const Sent& sent) {
    store_->deliveries().close(tenant_, sent.upload.delivery, "m", {sent.upload.file}, {},
                               some_event());
  }
};

TEST_P(UploadContract, IsFoundAsItWasMade) {
  const Sent sent(opened().id, 10);
  created(sent);
  const Upload found = uploads_.find(tenant_, sent.upload.id, now_).value();
  EXPECT_EQ(found.made.id, sent.upload.id);
  EXPECT_EQ(found.made.delivery, sent.upload.delivery);
  EXPECT_EQ(found.made.file, sent.upload.file);
  EXPECT_EQ(found.made.length, sent.upload.length);
  EXPECT_EQ(found.made.device, "a device");
  EXPECT_EQ(found.offset, 0u);
  EXPECT_EQ(found.expires, now_ + kUploadKept);
  EXPECT_FALSE(found.complete());
  EXPECT_FALSE(uploads_.find(some_tenant(*store_), sent.upload.id, now_));
  EXPECT_FALSE(uploads_.find(tenant_, Uuid::v7(), now_));
}

TEST_P(UploadContract, GoesOnInEveryPartFromWhereItWas) {
  const Sent sent(opened().id, 3 * kPlainRow + 5);
  created(sent);
  const Bytes half_header(sent.head.header.begin(), sent.head.header.begin() + 7);
  const ByteView second = sent.file.rows[1].view();

  // Each step by a writer of its own, which must find what the one before left.
  resumed(sent)->advance({.tail = half_header, .hash = bytes_of("none yet")}, now_);
  {
    const auto writer = resumed(sent);
    EXPECT_EQ(writer->upload().offset, 7u);
    EXPECT_EQ(writer->progress().tail, half_header);
    EXPECT_FALSE(writer->progress().head);
    writer->advance({.head = &sent.head, .hash = bytes_of("of the nonce")}, now_ + 1s);
    EXPECT_EQ(writer->upload().offset, sent.head_size());
    EXPECT_EQ(writer->upload().expires, now_ + 1s + kUploadKept);
    writer->advance(
        {.rows = sent.rows(0, 1), .tail = second.first(1000), .hash = bytes_of("of one row")},
        now_ + 2s);
  }
  {
    const auto writer = resumed(sent);
    EXPECT_EQ(writer->upload().offset, sent.head_size() + kFullRow + 1000);
    EXPECT_EQ(writer->upload().expires, now_ + 2s + kUploadKept);
    ASSERT_TRUE(writer->progress().head);
    EXPECT_EQ(writer->progress().head->header, sent.head.header);
    EXPECT_EQ(writer->progress().head->nonce, sent.head.nonce);
    EXPECT_EQ(writer->progress().rows, 1u);
    EXPECT_EQ(writer->progress().tail, Bytes(second.begin(), second.begin() + 1000));
    EXPECT_EQ(writer->progress().hash, bytes_of("of one row"));
    writer->advance({.rows = sent.rows(1, 1), .hash = bytes_of("of two")}, now_);
  }
  EXPECT_EQ(uploads_.find(tenant_, sent.upload.id, now_)->offset, sent.head_size() + 2 * kFullRow);
  EXPECT_TRUE(store_->deliveries().find(tenant_, sent.upload.delivery)->files.empty());
  resumed(sent)->complete({.rows = sent.rows(2, 2)}, sent.file.record.payload_sha256, now_,
                          some_event());
  close(sent);

  const FileRecord stored = store_->blobs().find(tenant_, sent.upload.file).value();
  EXPECT_EQ(stored.header, sent.file.record.header);
  EXPECT_EQ(stored.nonce, sent.file.record.nonce);
  EXPECT_EQ(stored.payload_length, sent.file.record.payload_length);
  EXPECT_EQ(stored.payload_sha256, sent.file.record.payload_sha256);
  EXPECT_EQ(read_payload(*store_, tenant_, sent.upload.file), sent.file.payload());
}

TEST_P(UploadContract, MayCompleteInOneStepAndEndWithAFullRow) {
  for (const std::size_t plaintext : {std::size_t{0}, kPlainRow, 2 * kPlainRow}) {
    const Sent sent(opened().id, plaintext);
    created(sent);
    complete(sent);
    close(sent);
    EXPECT_EQ(read_payload(*store_, tenant_, sent.upload.file), sent.file.payload());
  }
}

TEST_P(UploadContract, OnceCompleteSaysSoUntilItExpiresAndTakesNoStep) {
  const Sent sent(opened().id, 10);
  created(sent);
  complete(sent);
  const std::size_t before = events();
  close(sent);
  const Upload found = uploads_.find(tenant_, sent.upload.id, now_).value();
  EXPECT_TRUE(found.complete());
  EXPECT_EQ(found.offset, sent.upload.length);
  const auto writer = resumed(sent);
  EXPECT_TRUE(writer->upload().complete());
  EXPECT_EQ(error_of([&] {
              writer->complete({.head = &sent.head, .rows = sent.file.rows},
                               sent.file.record.payload_sha256, now_, some_event());
            }),
            ErrorCode::kInternal);
  EXPECT_EQ(events(), before + 1) << "of the close alone";
  EXPECT_FALSE(uploads_.find(tenant_, sent.upload.id, now_ + kUploadKept));
  EXPECT_EQ(error_of([&] { uploads_.resume(tenant_, sent.upload.id, now_ + kUploadKept); }),
            ErrorCode::kNotFound);
}

TEST_P(UploadContract, ItsFileIsRecordedAndOnlyWithItsRecord) {
  const Sent sent(opened().id, 10);
  created(sent);
  const std::size_t before = events();
  AuditEvent unsound = some_event();
  unsound.peer = "no address";
  EXPECT_EQ(error_of([&] {
              resumed(sent)->complete({.head = &sent.head, .rows = sent.file.rows},
                                      sent.file.record.payload_sha256, now_, unsound);
            }),
            ErrorCode::kInternal);
  EXPECT_EQ(uploads_.find(tenant_, sent.upload.id, now_)->offset, 0u);
  EXPECT_EQ(events(), before);
  complete(sent);
  EXPECT_EQ(events(), before + 1);
}

TEST_P(UploadContract, RefusesAStepThatCantComeNext) {
  const Sent sent(opened().id, 2 * kPlainRow + 5);
  created(sent);
  const auto writer = resumed(sent);
  const Digest& sha256 = sent.file.record.payload_sha256;
  const auto refused = [&](const UploadStep& step) {
    return error_of([&] { writer->advance(step, now_); }) == ErrorCode::kInternal;
  };
  const auto not_the_end = [&](const UploadStep& step) {
    return error_of([&] { writer->complete(step, sha256, now_, some_event()); }) ==
           ErrorCode::kInternal;
  };
  EXPECT_TRUE(refused({.rows = sent.rows(0, 1)})) << "no head yet";
  EXPECT_TRUE(refused({.head = &sent.head, .rows = sent.file.rows})) << "that would be all";
  EXPECT_TRUE(refused({.head = &sent.head, .rows = sent.rows(2, 1)})) << "a short row";
  EXPECT_TRUE(refused({.head = &sent.head, .tail = sent.file.rows[0].view()})) << "a whole row";
  EXPECT_TRUE(not_the_end({.head = &sent.head, .rows = sent.rows(0, 2)}));
  writer->advance({.head = &sent.head, .rows = sent.rows(0, 1)}, now_);
  EXPECT_TRUE(refused({.head = &sent.head, .rows = sent.rows(1, 1)})) << "a second head";
  EXPECT_TRUE(refused({.rows = sent.rows(0, 2), .tail = sent.file.rows[0].view().first(9)}))
      << "too much";
  writer->advance({.tail = sent.file.rows[1].view().first(9)}, now_);
  EXPECT_TRUE(refused({})) << "takes back what came";
  EXPECT_EQ(writer->upload().offset, sent.head_size() + kFullRow + 9);
  writer->complete({.rows = sent.rows(1, 2)}, sha256, now_, some_event());
  close(sent);
  EXPECT_EQ(read_payload(*store_, tenant_, sent.upload.file), sent.file.payload());
}

TEST_P(UploadContract, IsRewoundToWhereItsWriterFoundIt) {
  const Sent sent(opened().id, 3 * kPlainRow);
  created(sent);
  const Bytes some(sent.head.header.begin(), sent.head.header.begin() + 9);
  {
    const auto writer = resumed(sent);
    writer->advance({.tail = some, .hash = bytes_of("a")}, now_);
    writer->advance({.head = &sent.head, .rows = sent.rows(0, 1), .hash = bytes_of("b")}, now_);
    writer->rewind(now_ + 1s);
    EXPECT_EQ(writer->upload().offset, 0u);
    EXPECT_EQ(writer->upload().expires, now_ + 1s + kUploadKept);
    EXPECT_FALSE(writer->progress().head);
    writer->advance({.tail = some, .hash = bytes_of("c")}, now_);
  }
  {
    const auto writer = resumed(sent);
    EXPECT_EQ(writer->progress().hash, bytes_of("c"));
    writer->advance({.head = &sent.head, .rows = sent.rows(1, 1)}, now_);  // the wrong one
    writer->rewind(now_);
    EXPECT_EQ(writer->upload().offset, 9u);
    EXPECT_EQ(writer->progress().tail, some);
    EXPECT_EQ(writer->progress().hash, bytes_of("c"));
    EXPECT_EQ(uploads_.find(tenant_, sent.upload.id, now_)->offset, 9u);
    writer->advance({.head = &sent.head, .rows = sent.rows(0, 1)}, now_);
    writer->complete({.rows = sent.rows(1, 2)}, sent.file.record.payload_sha256, now_,
                     some_event());
    EXPECT_EQ(error_of([&] { writer->rewind(now_); }), ErrorCode::kInternal);
  }
  close(sent);
  EXPECT_EQ(read_payload(*store_, tenant_, sent.upload.file), sent.file.payload());
}

TEST_P(UploadContract, HasOneWriterAtATime) {
  const Sent sent(opened().id, 10);
  created(sent);
  auto writer = resumed(sent);
  ASSERT_NE(writer, nullptr);
  EXPECT_EQ(resumed(sent), nullptr);
  const Sent other(sent.upload.delivery, 10);
  created(other);
  EXPECT_NE(resumed(other), nullptr) << "each is held by itself";
  writer.reset();
  EXPECT_NE(resumed(sent), nullptr);
  EXPECT_EQ(error_of([&] { uploads_.resume(tenant_, Uuid::v7(), now_); }), ErrorCode::kNotFound);
}

TEST_P(UploadContract, OfManyWhoResumeOneDoes) {
  const Sent sent(opened().id, 10);
  created(sent);
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<UploadWriter>> writers(4);
    std::vector<std::thread> threads;
    for (auto& writer : writers) threads.emplace_back([&] { writer = resumed(sent); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::count(writers.begin(), writers.end(), nullptr), 3);
  }
}

TEST_P(UploadContract, NeedsAnOpenDeliveryOfADevice) {
  const auto error_of_create = [&](const Uuid& delivery) {
    const Sent sent(delivery, 10);
    return error_of([&] { created(sent); });
  };
  EXPECT_EQ(error_of_create(Uuid::v7()), ErrorCode::kNotFound);
  SealedFile file = sealed_file(Uuid::v7(), 10);
  EXPECT_EQ(error_of_create(delivered(file).id), ErrorCode::kConflict);
  const NewDelivery expired = expired_delivery(sender_);
  store_->deliveries().open(tenant_, expired, some_event());
  EXPECT_EQ(error_of_create(expired.id), ErrorCode::kNotFound);
  NewDelivery of_gateway = some_delivery(sender_);
  of_gateway.sealed_by_gateway = true;
  store_->deliveries().open(tenant_, of_gateway, some_event());
  EXPECT_EQ(error_of_create(of_gateway.id), ErrorCode::kConflict);

  Sent taken(opened().id, 10);
  taken.upload.file = file.record.id;
  EXPECT_EQ(error_of([&] { created(taken); }), ErrorCode::kConflict) << "the file is there";
  taken.upload.file = Uuid::v7();
  created(taken);
  EXPECT_EQ(error_of([&] { created(taken); }), ErrorCode::kConflict) << "the upload is there";
}

TEST_P(UploadContract, OfTwoForOneFileTheFirstToCompleteWins) {
  const Uuid delivery = opened().id;
  const Sent first(delivery, 10);
  Sent second(delivery, 20);
  second.upload.file = first.upload.file;
  created(first);
  created(second);
  complete(second);
  EXPECT_EQ(error_of([&] { complete(first); }), ErrorCode::kConflict);
  close(second);
  EXPECT_EQ(read_payload(*store_, tenant_, second.upload.file), second.file.payload());
}

TEST_P(UploadContract, GoesAwayWithItsDeliveryAndIncompleteOnesWhenItCloses) {
  const Uuid delivery = opened().id;
  const Sent whole(delivery, 10);
  const Sent part(delivery, 2 * kPlainRow);
  created(whole);
  created(part);
  complete(whole);
  const auto writer = resumed(part);
  writer->advance({.head = &part.head, .rows = part.rows(0, 1)}, now_);
  close(whole);
  EXPECT_TRUE(uploads_.find(tenant_, whole.upload.id, now_));
  EXPECT_FALSE(uploads_.find(tenant_, part.upload.id, now_));
  EXPECT_EQ(error_of([&] {
              writer->complete({.rows = part.rows(1, 1)}, part.file.record.payload_sha256, now_,
                               some_event());
            }),
            ErrorCode::kConflict);
  store_->deliveries().revoke(tenant_, delivery, "", some_event());
  EXPECT_FALSE(uploads_.find(tenant_, whole.upload.id, now_));
  EXPECT_EQ(error_of([&] { writer->advance({.tail = bytes_of("x")}, now_); }),
            ErrorCode::kNotFound);
}

TEST_P(UploadContract, TerminatedIsForgottenWhoeverHoldsIt) {
  const Sent sent(opened().id, 10);
  created(sent);
  const auto writer = resumed(sent);
  EXPECT_FALSE(uploads_.terminate(some_tenant(*store_), sent.upload.id));
  EXPECT_TRUE(uploads_.terminate(tenant_, sent.upload.id));
  EXPECT_FALSE(uploads_.terminate(tenant_, sent.upload.id));
  EXPECT_FALSE(uploads_.find(tenant_, sent.upload.id, now_));
  EXPECT_EQ(error_of([&] { writer->advance({.tail = bytes_of("x")}, now_); }),
            ErrorCode::kNotFound);
  EXPECT_EQ(store_->blobs().used(tenant_), 0u);

  const Sent whole(sent.upload.delivery, 10);
  created(whole);
  complete(whole);
  EXPECT_TRUE(uploads_.terminate(tenant_, whole.upload.id));
  close(whole);
  EXPECT_EQ(read_payload(*store_, tenant_, whole.upload.file), whole.file.payload());
}

TEST_P(UploadContract, CountsAgainstTheQuotaFromItsBeginning) {
  const Sent sent(opened().id, 2 * kPlainRow);
  const Sent other(sent.upload.delivery, 10);
  const std::uint64_t quota = sent.upload.length + other.upload.length - 1;
  store_->tenants().set_limits(tenant_, {.quota = quota}, some_event());
  created(sent);
  EXPECT_EQ(store_->blobs().used(tenant_), sent.upload.length);
  EXPECT_EQ(error_of([&] { created(other); }), ErrorCode::kQuotaExceeded);
  EXPECT_FALSE(uploads_.find(tenant_, other.upload.id, now_));
  complete(sent);
  EXPECT_EQ(store_->blobs().used(tenant_), room_of(sent.file));
  EXPECT_TRUE(uploads_.terminate(tenant_, sent.upload.id));
  EXPECT_EQ(store_->blobs().used(tenant_), room_of(sent.file));
}

TEST_P(UploadContract, OneSenderAnnouncesNoMoreThanTheirs) {
  const Sent first(opened().id, 2 * kPlainRow);
  const Sent second(opened().id, 10);
  const std::uint64_t most = first.upload.length + second.upload.length - 1;
  const auto create = [&](const Sent& sent) {
    uploads_.create(tenant_, sent.upload, most, now_, some_event());
  };
  create(first);
  EXPECT_EQ(error_of([&] { create(second); }), ErrorCode::kQuotaExceeded);
  EXPECT_FALSE(uploads_.find(tenant_, second.upload.id, now_));
  // Somebody else has theirs,
  const Uuid other = some_principal(*store_, tenant_, "other@here").id;
  const NewDelivery theirs = some_delivery(other);
  store_->deliveries().open(tenant_, theirs, some_event());
  create(Sent(theirs.id, 10));
  // and a file is none that is announced.
  complete(first);
  create(second);
  EXPECT_EQ(error_of([&] {
              uploads_.create(tenant_, Sent(theirs.id, 10).upload, 1, now_, some_event());
            }),
            ErrorCode::kQuotaExceeded);
}

TEST_P(UploadContract, ItsBeginningIsAudited) {
  const auto events = [&] { return store_->audit().read(tenant_, std::nullopt, 1000).size(); };
  const Sent sent(opened().id, 10);
  const std::size_t before = events();
  created(sent);
  EXPECT_EQ(events(), before + 1);
}

TEST_P(UploadContract, IsSweptWhenNobodyWentOnWithIt) {
  const Sent sent(opened().id, 2 * kPlainRow);
  created(sent);
  const auto writer = resumed(sent);
  writer->advance({.head = &sent.head, .rows = sent.rows(0, 1)}, now_ + 1h);
  // Its delivery has more time than that.
  EXPECT_EQ(store_->sweep_lapsed(now_ + 59min, 100).uploads, 0u);
  EXPECT_TRUE(uploads_.find(tenant_, sent.upload.id, now_ + 24h));
  NewDelivery longer = some_delivery(sender_);
  longer.expires += std::chrono::days(30);
  store_->deliveries().open(tenant_, longer, some_event());
  const Sent lasting(longer.id, 10);
  created(lasting);
  EXPECT_EQ(store_->sweep_lapsed(now_ + kUploadKept, 100).uploads, 1u) << "the untouched one";
  EXPECT_FALSE(uploads_.find(tenant_, lasting.upload.id, now_));
  EXPECT_TRUE(store_->deliveries().find(tenant_, longer.id));
  EXPECT_EQ(store_->blobs().used(tenant_), 0u) << "the other went with its delivery";
}

INSTANTIATE_TEST_SUITE_P(Stores, UploadContract, ::testing::Values(Kind::kMemory, Kind::kPostgres),
                         name_of);

}  // namespace
}  // namespace letterbox::storage::testing
