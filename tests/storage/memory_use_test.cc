// A big file goes in and out with little memory.
#include <gtest/gtest.h>

#include <fstream>

#include "crypto/hash.h"
#include "crypto/stream.h"
#include "tests/sanitized.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using letterbox::testing::kSanitized;

constexpr std::uint64_t kLong = 300'000'000;
constexpr std::uint64_t kMiB = 1024 * 1024;

// The process's peak of resident memory since the last reset, in bytes.
std::uint64_t peak() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  ADD_FAILURE() << "no VmHWM";
  return 0;
}

void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

class Zeros final : public Source {
 public:
  explicit Zeros(std::uint64_t length) : left_(length) {}
  ByteView next() override {
    const ByteView piece = ByteView(buffer_).first(std::min<std::uint64_t>(left_, buffer_.size()));
    left_ -= piece.size();
    return piece;
  }

 private:
  Bytes buffer_ = Bytes(256 * 1024);
  std::uint64_t left_;
};

TEST(MemoryUse, StaysFlatWhileABigFileIsStoredAndRead) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep freed memory";
  const auto store = open_postgres(options_for(fresh_database(shared_cluster())));
  const TenantId tenant = some_tenant(*store);
  const NewDelivery delivery = some_delivery(some_principal(*store, tenant, "sender@here").id);
  const Uuid id = Uuid::v7();
  const crypto::FileKey key = crypto::random_file_key();
  const crypto::PayloadNonce nonce = crypto::payload_nonce(key, id);
  reset_peak();
  const std::uint64_t before = peak();

  Zeros plaintext(kLong);
  crypto::Sealer sealer(key, nonce, plaintext);
  FileRecord file{id, delivery.id, Bytes(100), nonce, nonce.size(), {}};
  crypto::Sha256 digest;
  digest.update(nonce);
  {
    const auto writer = store->blobs().begin(tenant, id);
    while (const auto row = sealer.next()) {
      digest.update(row->view());
      file.payload_length += row->size();
      writer->append(*row);
    }
    file.payload_sha256 = digest.finish();
    writer->commit_as_delivery(file, nullptr, delivery, "a manifest", some_event());
  }
  EXPECT_LT(peak(), before + 32 * kMiB);

  crypto::Sha256 read;
  read.update(nonce);
  const auto source = store->blobs().read(tenant, id, 0);
  for (ByteView row = source->next(); !row.empty(); row = source->next()) read.update(row);
  EXPECT_EQ(read.finish(), file.payload_sha256);
  EXPECT_LT(peak(), before + 32 * kMiB);
}

TEST(MemoryUse, StaysFlatWhileARequestOfManyFilesIsStored) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep freed memory";
  const auto store = open_postgres(options_for(fresh_database(shared_cluster())));
  const TenantId tenant = some_tenant(*store);
  const SealedFile slice = sealed_file(Uuid::v7(), 512 * 1024);
  const SealedIndex index = some_index(slice.record.id, 20'000);
  StudyCommit commit{some_digest(), some_study(some_principal(*store, tenant, "pacs@here").id), {}};
  reset_peak();
  const std::uint64_t before = peak();

  const auto request = store->studies().begin(tenant);
  for (int i = 0; i < 300; ++i) {
    PlacedFile where = placed(slice);
    where.id = Uuid::v7();
    request->begin_file(where.id);
    request->append(slice.rows[0]);
    request->end_file(slice.record.nonce, slice.record.payload_sha256, index.payload);
    commit.files.push_back(std::move(where));
  }
  EXPECT_EQ(request->commit({commit}, some_event()), CommitOutcome::kDone);
  EXPECT_LT(peak(), before + 32 * kMiB);
}

}  // namespace
}  // namespace letterbox::storage::testing
