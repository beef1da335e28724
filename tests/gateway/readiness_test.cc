#include "gateway/readiness.h"

#include <gtest/gtest.h>

#include <future>
#include <limits>
#include <thread>

namespace letterbox::gateway {
namespace {

using namespace std::chrono_literals;

// A store of which only the condition is asked.
class Patient final : public storage::Store {
 public:
  storage::BlobStore& blobs() override { throw std::logic_error("not asked for"); }
  storage::DeliveryStore& deliveries() override { throw std::logic_error("not asked for"); }
  storage::StudyStore& studies() override { throw std::logic_error("not asked for"); }
  storage::UploadStore& uploads() override { throw std::logic_error("not asked for"); }
  storage::SharingStore& sharing() override { throw std::logic_error("not asked for"); }
  storage::ReceiptStore& receipts() override { throw std::logic_error("not asked for"); }
  storage::NoticeStore& notices() override { throw std::logic_error("not asked for"); }
  storage::WebhookStore& webhooks() override { throw std::logic_error("not asked for"); }
  storage::MailStore& mail() override { throw std::logic_error("not asked for"); }
  storage::TenantStore& tenants() override { throw std::logic_error("not asked for"); }
  storage::PrincipalStore& principals() override { throw std::logic_error("not asked for"); }
  storage::DeviceStore& devices() override { throw std::logic_error("not asked for"); }
  storage::MachineStore& machines() override { throw std::logic_error("not asked for"); }
  storage::InvitationStore& invitations() override { throw std::logic_error("not asked for"); }
  storage::MailboxStore& mailboxes() override { throw std::logic_error("not asked for"); }
  storage::NonceStore& nonces() override { throw std::logic_error("not asked for"); }
  storage::AuditStore& audit() override { throw std::logic_error("not asked for"); }
  storage::Swept sweep() override { return {}; }
  storage::Lapsed sweep_lapsed(std::chrono::sys_seconds, std::size_t) override { return {}; }
  std::uint64_t reusable() override { return 0; }
  storage::ConnectionUse connection_use() override { return {}; }
  storage::Condition condition() override {
    ++asked;
    if (on_ask) on_ask();
    return now;
  }

  storage::Condition now{.reachable = true, .schema_current = true};
  std::atomic<int> asked = 0;
  std::function<void()> on_ask;
};

class ReadinessTest : public testing::Test {
 protected:
  Patient store_;
  const Disk disk_{"/", 0, true};
  std::atomic<Readiness::Clock::time_point> time_{Readiness::Clock::time_point(1h)};
  std::function<Readiness::Clock::time_point()> clock_ = [this] { return time_.load(); };
};

TEST_F(ReadinessTest, IsThereWhenAllIsInOrder) {
  Readiness readiness(store_, disk_, clock_);
  EXPECT_TRUE(readiness.report().ready());
  EXPECT_EQ(to_json(readiness.report()),
            R"({"ready":true,"database":"reachable","schema":"current","disk":"enough",)"
            R"("serving":"yes"})");
}

TEST_F(ReadinessTest, AsksTheDatabaseOnceASecondHoweverOftenItIsAsked) {
  Readiness readiness(store_, disk_, clock_);
  store_.now = {};
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(readiness.report().ready());
  EXPECT_EQ(store_.asked, 1);
  time_ = time_.load() + 1s;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(readiness.report().ready());
  EXPECT_EQ(store_.asked, 2);
}

TEST_F(ReadinessTest, ACheckThatHangsHoldsOneCallerAlone) {
  Readiness readiness(store_, disk_, clock_);
  std::promise<void> asking;
  std::promise<void> go_on;
  store_.on_ask = [&] {
    asking.set_value();
    go_on.get_future().wait();
  };
  time_ = time_.load() + 2s;
  auto held = std::async(std::launch::async, [&] { return readiness.report(); });
  asking.get_future().wait();
  EXPECT_TRUE(readiness.report().ready()) << "what the last check found still counts";
  time_ = time_.load() + 3s;
  EXPECT_FALSE(readiness.report().database.reachable) << "it has hung for too long";
  EXPECT_EQ(store_.asked, 2);
  go_on.set_value();
  EXPECT_TRUE(held.get().ready());
  EXPECT_TRUE(readiness.report().ready());
}

TEST_F(ReadinessTest, NamesWhatIsMissing) {
  store_.now = {.reachable = true, .schema_current = false};
  EXPECT_EQ(to_json(Readiness(store_, disk_, clock_).report()),
            R"({"ready":false,"database":"reachable","schema":"other","disk":"enough",)"
            R"("serving":"yes"})");
  store_.now = {};
  const Disk full("/", std::numeric_limits<std::uint64_t>::max(), true);
  EXPECT_EQ(to_json(Readiness(store_, full).report()),
            R"({"ready":false,"database":"away","schema":"unknown","disk":"low",)"
            R"("serving":"yes"})");
}

TEST_F(ReadinessTest, ADirectoryThatIsGoneHasNoRoom) {
  const Disk gone("/nonexistent", 0, true);
  EXPECT_FALSE(Readiness(store_, gone, clock_).report().disk);
}

TEST_F(ReadinessTest, EndsAtOnceWhenTheGatewayLeaves) {
  Readiness readiness(store_, disk_, clock_);
  readiness.leave();
  EXPECT_FALSE(readiness.report().ready());
  EXPECT_NE(to_json(readiness.report()).find(R"("serving":"stopping")"), std::string::npos);
  EXPECT_FALSE(readiness.turns_away(time_.load() + 1h)) << "it only says so yet";
}

TEST_F(ReadinessTest, TurnsAwayWhatArrivesOnceItDrains) {
  Readiness readiness(store_, disk_, clock_);
  readiness.drain();
  EXPECT_FALSE(readiness.turns_away(time_.load() - 1ns)) << "at hand, if not with its handler yet";
  EXPECT_TRUE(readiness.turns_away(time_.load() + 1ns));
}

}  // namespace
}  // namespace letterbox::gateway
