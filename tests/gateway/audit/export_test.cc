// The trail goes out whole, once and in order, and nothing counts that a destination hasn't taken.
#include "gateway/audit/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "base/error.h"
#include "gateway/audit/collector.h"
#include "gateway/audit/frame_file.h"
#include "gateway/certificates.h"
#include "gateway/data_directory.h"
#include "storage/store.h"

namespace letterbox::gateway::audit {
namespace {

using storage::AuditKind;

// Remembers what it took, and fails when told to.
class Memory final : public Destination {
 public:
  void deliver(std::string_view frames) override {
    if (deliveries++ == fail_at) throw Error(ErrorCode::kNetwork, "gone");
    largest = std::max(largest, frames.size());
    text += frames;
  }

  int fail_at = -1;
  int deliveries = 0;
  std::size_t largest = 0;
  std::string text;
};

class ExportTest : public testing::Test {
 protected:
  void append(const storage::TenantId& tenant, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) trail_.append(tenant, {.kind = AuditKind::kLogin});
  }
  std::vector<Uuid> ids(const storage::TenantId& tenant) {
    std::vector<Uuid> ids;
    for (const auto& record : trail_.read(tenant, std::nullopt, 1'000'000))
      ids.push_back(record.id);
    return ids;
  }
  Progress run(Destination& destination, std::optional<Uuid> after = {}) {
    Progress progress{{clinic_, "clinic"}, after};
    export_trail(trail_, Uuid::v7(), destination, progress, [this] { ++delivered_; });
    return progress;
  }
  // The audit records' ids, in the order in which the frames have them.
  static std::vector<Uuid> ids_in(const std::string& frames) {
    std::vector<Uuid> ids;
    const std::string before = "ParticipantObjectID=\"urn:uuid:";
    for (auto at = frames.find(before); at != std::string::npos; at = frames.find(before, at + 1)) {
      ids.push_back(*Uuid::parse(frames.substr(at + before.size(), 36)));
    }
    return ids;
  }

  std::unique_ptr<storage::Store> store_ = storage::open_memory();
  storage::AuditStore& trail_ = store_->audit();
  storage::TenantId clinic_ = store_->tenants().make("clinic");
  int delivered_ = 0;
};

TEST_F(ExportTest, OfAnEmptyTrailDeliversNothing) {
  Memory memory;
  EXPECT_FALSE(run(memory).last);
  EXPECT_EQ(memory.deliveries, 0);
}

TEST_F(ExportTest, HasEachRecordOnceInTheTrailsOrderPageByPage) {
  append(clinic_, 2 * kPage + 3);
  Memory memory;
  const Progress progress = run(memory);
  EXPECT_EQ(ids_in(memory.text), ids(clinic_));
  EXPECT_EQ(progress.last, ids(clinic_).back());
  EXPECT_EQ(progress.records, 2 * kPage + 3);
  EXPECT_EQ(memory.deliveries, 3);
  EXPECT_EQ(delivered_, 3);
}

TEST_F(ExportTest, HoldsNoMoreThanAPageHoweverLongTheTrail) {
  append(clinic_, kPage);
  Memory page;
  run(page);
  append(clinic_, 9 * kPage);
  Memory all;
  run(all);
  EXPECT_EQ(all.largest, page.largest);
}

TEST_F(ExportTest, CountsNoPageThatTheDestinationDidntTakeAndGoesOnFromThere) {
  append(clinic_, 2 * kPage + 3);
  Memory memory;
  memory.fail_at = 1;
  Progress progress{{clinic_, "clinic"}};
  EXPECT_THROW(export_trail(trail_, Uuid::v7(), memory, progress, [this] { ++delivered_; }), Error);
  EXPECT_EQ(progress.last, ids(clinic_)[kPage - 1]);
  EXPECT_EQ(progress.records, kPage);
  EXPECT_EQ(delivered_, 1);

  run(memory, progress.last);
  EXPECT_EQ(ids_in(memory.text), ids(clinic_));
}

TEST_F(ExportTest, BeginsInEachTrailAfterTheRecordThatIsThere) {
  const storage::TenantId other = store_->tenants().make("other");
  append(clinic_, 2);
  append(other, 2);
  const std::vector<storage::Tenant> tenants = {{clinic_, "clinic"}, {other, "other"}};
  const auto all = begin_after(trail_, tenants, {ids(other)[0]});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].last);
  EXPECT_EQ(all[1].last, ids(other)[0]);

  EXPECT_THROW(begin_after(trail_, tenants, {Uuid::v7()}), Error);
  EXPECT_THROW(begin_after(trail_, tenants, ids(other)), Error);
}

TEST(FrameFileTest, IsNewAndForItsOwnerAloneAndGrows) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("frames-" + Uuid::v7().text());
  {
    FrameFile file(path);
    file.deliver("4 abcd");
    file.deliver("2 ef");
    EXPECT_THROW(FrameFile again(path), Error);
  }
  EXPECT_EQ(as_text(read_file(path)), "4 abcd2 ef");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  std::filesystem::remove(path);
}

TEST(CollectorTest, OneThatHasGoneIsAnErrorAndDoesntEndTheProcess) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("collector-" + Uuid::v7().text());
  const DataDirectory data(path);
  (void)std::signal(SIGPIPE, SIG_DFL);
  const Collector collector({"127.0.0.1", "1"}, {server_certificate(data).authority, {}, {}});
  EXPECT_EQ(std::signal(SIGPIPE, SIG_IGN), SIG_IGN);
  std::filesystem::remove_all(path);
}

TEST(CollectorTest, AnAddressIsHostAndPort) {
  const auto name = parse_collector_address("logs.example:6514");
  EXPECT_EQ(name.host + " " + name.port, "logs.example 6514");
  const auto v6 = parse_collector_address("[::1]:6514");
  EXPECT_EQ(v6.host + " " + v6.port, "::1 6514");
  for (const char* const bad : {"", ":", "logs.example", "logs.example:", ":6514", "::1:6514",
                                "logs.example:syslog", "[]:6514"}) {
    EXPECT_THROW(parse_collector_address(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace letterbox::gateway::audit
