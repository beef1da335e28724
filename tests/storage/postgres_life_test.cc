// What of a delivery's life only a database can go through: its own constraints, several gateways,
// one that is killed.
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "storage/lifetimes.h"
#include "storage/migrations.h"
#include "storage/pool.h"
#include "tests/storage/child.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

class PostgresLife : public ::testing::Test {
 protected:
  std::string database_ = fresh_database(shared_cluster());
  PostgresOptions options_ = options_for(database_);
  std::unique_ptr<Store> store_ = open_postgres(options_);
  const TenantId tenant_ = some_tenant(*store_);
  const Uuid sender_ = some_principal(*store_, tenant_, "sender@here").id;
  const std::chrono::sys_seconds now_ = now();

  NewDelivery opened() {
    const NewDelivery delivery = some_delivery(sender_);
    store_->deliveries().open(tenant_, delivery, some_event());
    return delivery;
  }
  std::string count(const std::string& what) {
    return ask(database_, "SELECT count(*) FROM " + what);
  }
  // Whether the database takes this statement.
  bool takes(const std::string& sql) {
    try {
      ask(database_, sql);
      return true;
    } catch (const pqxx::sql_error&) {
      return false;
    }
  }
};

// --- The database's own word --------------------------------------------------------------------

TEST_F(PostgresLife, TheDatabaseKnowsTheSameTransitions) {
  const std::vector<DeliveryState> states = {DeliveryState::kOpen, DeliveryState::kClosed,
                                             DeliveryState::kExpired, DeliveryState::kRevoked};
  // By the ways that are allowed, straight from open.
  const auto move = [&](const std::string& id, DeliveryState to) {
    const std::string manifest = to == DeliveryState::kClosed ? ", manifest = 'm', closed = now()"
                                 : to == DeliveryState::kOpen ? ", manifest = NULL, closed = NULL"
                                                              : "";
    const std::string ended = has_ended(to)
                                  ? ", ended = now()"
                                  : ", ended = NULL, final_files = NULL, final_bytes = NULL";
    return takes(std::string("UPDATE delivery SET state = '") + to_string(to) + "'" + manifest +
                 ended + " WHERE id = '" + id + "'");
  };
  for (const DeliveryState from : states) {
    for (const DeliveryState to : states) {
      if (from == to) continue;
      const std::string id = opened().id.text();
      if (from != DeliveryState::kOpen) {
        ASSERT_TRUE(move(id, from));
      }
      EXPECT_EQ(move(id, to), may_become(from, to)) << to_string(from) << " to " << to_string(to);
    }
  }
  EXPECT_FALSE(takes("UPDATE delivery SET state = 'lost'"));
}

TEST_F(PostgresLife, TheDatabaseKeepsWhatWasSignedAndForgetsNothingThatLives) {
  const NewDelivery delivery = some_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery);
  EXPECT_FALSE(takes("UPDATE delivery SET manifest = 'another'"));
  EXPECT_FALSE(takes("UPDATE delivery SET manifest = NULL"));
  EXPECT_FALSE(takes("UPDATE delivery SET deletion_receipt = 'early'"));
  EXPECT_FALSE(takes("UPDATE delivery SET joinable = true"));
  EXPECT_FALSE(takes("DELETE FROM file; DELETE FROM delivery"));
  EXPECT_FALSE(takes("INSERT INTO delivery SELECT (d).* FROM (SELECT d FROM delivery AS d) AS x"));
  store_->deliveries().revoke(tenant_, delivery.id, "r", some_event());
  EXPECT_FALSE(takes("UPDATE delivery SET deletion_receipt = 'another'"));
  EXPECT_FALSE(takes("UPDATE delivery SET manifest = 'another'"));
  EXPECT_FALSE(takes("UPDATE delivery SET ended = NULL"));
  EXPECT_TRUE(takes("DELETE FROM delivery"));
}

TEST_F(PostgresLife, WhateverEndsADeliveryTakesItsHeadersInThatStatement) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 10);
  deliver(*store_, tenant_, file, delivery);
  const auto change = store_->sharing().begin(tenant_, delivery.id);
  change->add(file.record.id, {file.record.header, std::nullopt});
  ASSERT_EQ(change->commit({2, "cover 2", {"age1bob"}}, now_, some_event()), SwapOutcome::kDone);
  store_->receipts().begin_download(tenant_, file.record.id, "age1bob", now_, some_event());
  EXPECT_EQ(count("former_headers"), "1");
  EXPECT_EQ(count("download"), "1");
  // Another change is under way: it has been staged in part.
  const auto late = store_->sharing().begin(tenant_, delivery.id);
  late->add(file.record.id, {Bytes(std::size_t{1} << 20, Byte{'h'}), std::nullopt});
  EXPECT_EQ(count("staged_headers"), "1");

  ask(database_, "UPDATE delivery SET state = 'expired', ended = now()");
  for (const char* table :
       {"file", "former_headers", "former_version", "download", "staged_headers"}) {
    EXPECT_EQ(count(table), "0") << table;
  }
  late->add(Uuid::v7(), {Bytes(std::size_t{1} << 20, Byte{'h'}), std::nullopt});
  EXPECT_EQ(count("staged_headers"), "0") << "nor does any come later";
  EXPECT_EQ(count("delivery_progress"), "1");
  EXPECT_EQ(count("cover"), "2");
  EXPECT_EQ(store_->sweep_lapsed(now_, 10).payloads, 1u);
  EXPECT_EQ(count("payload"), "0");
  EXPECT_EQ(ask(database_, "SELECT sum(bytes) FROM tenant_usage"), "0");
}

TEST_F(PostgresLife, ADatabaseOfTheVersionBeforeIsTakenOver) {
  const std::string old = fresh_database(shared_cluster());
  Pool pool(options_for(old));
  pool.transact([&](pqxx::work& transaction, Connection&) {
    return migrate(transaction, migrations().first(4)).size();
  });
  const std::string tenant = Uuid::v7().text();
  const std::string sender = Uuid::v7().text();
  std::map<std::string, std::string> ids;
  for (const char* state : {"open", "closed", "revoked"}) ids[state] = Uuid::v7().text();
  ask(old, "INSERT INTO tenant (id, name) VALUES ('" + tenant + "', 'old')");
  ask(old, "INSERT INTO principal (tenant_id, id, handle, kind) VALUES ('" + tenant + "', '" +
               sender + "', 'a@old', 'person')");
  ask(old,
      "INSERT INTO delivery (tenant_id, id, sender_id, sealed_by_gateway, created, expires,"
      "                      closed, manifest, revoked)"
      " SELECT '" +
          tenant + "', id, '" + sender +
          "', false, now(), now() + interval '1 h',"
          "        CASE WHEN state <> 'open' THEN now() END,"
          "        CASE WHEN state <> 'open' THEN 'm'::bytea END,"
          "        CASE WHEN state = 'revoked' THEN now() END"
          "   FROM (VALUES ('" +
          ids["open"] + "'::uuid, 'open'), ('" + ids["closed"] + "', 'closed'), ('" +
          ids["revoked"] + "', 'revoked')) AS d (id, state)");
  ask(old,
      "INSERT INTO cover (tenant_id, delivery_id, version, envelope)"
      " SELECT tenant_id, id, 1, 'c' FROM delivery");
  ask(old, "INSERT INTO payload (tenant_id, id) VALUES ('" + tenant + "', '" + sender + "')");
  ask(old,
      "INSERT INTO file (tenant_id, id, delivery_id, payload_id, header, nonce,"
      "                  payload_length, payload_sha256)"
      " VALUES ('" +
          tenant + "', '" + sender + "', '" + ids["closed"] + "', '" + sender +
          "', 'h', repeat('n', 16)::bytea, 100, repeat('s', 32)::bytea)");

  const auto store = open_postgres(options_for(old));
  const TenantId whose{*Uuid::parse(tenant)};
  const auto state = [&](const char* was) {
    return store->receipts().find(whose, *Uuid::parse(ids.at(was))).value().state;
  };
  EXPECT_EQ(state("open"), DeliveryState::kOpen);
  EXPECT_EQ(state("closed"), DeliveryState::kClosed);
  EXPECT_EQ(state("revoked"), DeliveryState::kRevoked);
  EXPECT_EQ(store->blobs().used(whose), 101u) << "its header, too";
  EXPECT_EQ(store->deliveries().find(whose, *Uuid::parse(ids.at("closed")))->files.size(), 1u);
  EXPECT_EQ(store->deliveries().revoke(whose, *Uuid::parse(ids.at("revoked")), "r", some_event()),
            "")
      << "it was revoked when there were no receipts";
}

// --- Uploads ------------------------------------------------------------------------------------

class PostgresUpload : public PostgresLife {
 protected:
  const SealedFile file_ = sealed_file(opened().id, 3 * kPlainRow);
  const NewUpload upload_{Uuid::v7(), file_.record.delivery, file_.record.id,
                          file_.record.header.size() + file_.record.payload_length, "a device"};
  const UploadHead head_{file_.record.header, file_.record.nonce};

  void SetUp() override {
    store_->uploads().create(tenant_, upload_, kAnyAmount, now_, some_event());
  }
  std::unique_ptr<UploadWriter> resumed(Store& store) {
    return store.uploads().resume(tenant_, upload_.id, now_);
  }
  std::span<const Ciphertext> row(std::size_t number) const {
    return std::span(file_.rows).subspan(number, 1);
  }
  void complete(UploadWriter& writer) {
    writer.complete({.rows = row(2)}, file_.record.payload_sha256, now_, some_event());
  }
};

TEST_F(PostgresUpload, IsHeldAmongGatewaysAndFreeTheMomentOneIsKilled) {
  const auto other = open_postgres(options_for(database_));
  auto writer = resumed(*store_);
  EXPECT_EQ(resumed(*other), nullptr);
  writer.reset();
  Child gateway({"--hold", database_, tenant_.uuid.text(), upload_.id.text()});
  EXPECT_EQ(resumed(*store_), nullptr);
  EXPECT_EQ(resumed(*other), nullptr);
  gateway.kill_at_once();
  // The server notices when it reads the end of the connection; nothing else has to happen.
  while ((writer = resumed(*store_)) == nullptr) std::this_thread::yield();
  EXPECT_EQ(resumed(*other), nullptr);
}

TEST_F(PostgresUpload, AWriterWhoseHoldWasLostNoticesThatAnotherTookOver) {
  const auto other = open_postgres(options_for(database_));
  const auto writer = resumed(*store_);
  writer->advance({.head = &head_, .rows = row(0)}, now_);
  // Every session but the one that asks.
  ask(database_,
      "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
      " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()");
  writer->advance({.rows = row(1)}, now_);  // nobody else came

  const auto second = resumed(*other);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->progress().rows, 2u);
  EXPECT_EQ(error_of([&] { complete(*writer); }), ErrorCode::kConflict);
  complete(*second);
  EXPECT_EQ(error_of([&] { complete(*writer); }), ErrorCode::kConflict);
  store_->deliveries().close(tenant_, upload_.delivery, "m", {upload_.file}, {}, some_event());
  EXPECT_EQ(read_payload(*store_, tenant_, upload_.file), file_.payload());
}

TEST_F(PostgresUpload, NoInstancesSweepTakesItAndItsEndLeavesNothing) {
  resumed(*store_)->advance({.head = &head_, .rows = row(0)}, now_);
  EXPECT_EQ(store_->sweep().files, 0u);
  EXPECT_EQ(count("payload_row"), "1");
  store_->uploads().terminate(tenant_, upload_.id);
  EXPECT_EQ(store_->sweep_lapsed(now_, 10).rows, 1u);
  EXPECT_EQ(count("payload"), "0");
}

TEST_F(PostgresUpload, TheDatabaseHoldsItsOffsetToWhatItKeeps) {
  resumed(*store_)->advance({.head = &head_, .rows = row(0), .tail = row(1)[0].view().first(99)},
                            now_);
  EXPECT_FALSE(takes("UPDATE upload SET received = received + 1"));
  EXPECT_FALSE(takes("UPDATE upload SET rows = 2"));
  EXPECT_FALSE(takes("UPDATE upload SET tail_size = 0"));
  EXPECT_FALSE(takes("UPDATE upload SET received = length"));
}

TEST_F(PostgresUpload, ASmallStepCostsWhatItBringsAndNotWhatIsThere) {
  const ByteView first = row(0)[0].view();
  auto writer = resumed(*store_);
  writer->advance({.head = &head_, .tail = first.first(1'000'000)}, now_);
  const auto logged = [&] {
    return std::stoull(ask(database_, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"));
  };
  const std::uint64_t before = logged();
  for (std::size_t i = 1; i <= 100; ++i) {
    writer->advance({.tail = first.first(1'000'000 + i)}, now_);
  }
  EXPECT_LT(logged() - before, 16u << 20) << "a tail that is written anew each time makes 100 MB";
  EXPECT_LE(std::stoi(count("upload_tail")), 65);
  // All of it is there, and goes with the row that it becomes.
  writer.reset();
  writer = resumed(*store_);
  EXPECT_EQ(writer->progress().tail, Bytes(first.begin(), first.begin() + 1'000'100));
  writer->advance({.rows = row(0)}, now_);
  EXPECT_EQ(count("upload_tail"), "0");
  writer->advance({.tail = row(1)[0].view().first(9)}, now_);
  store_->uploads().terminate(tenant_, upload_.id);
  EXPECT_EQ(count("upload_tail"), "0");
}

TEST_F(PostgresLife, WhatOneKindOfSweepFailsAtKeepsNoOther) {
  const NewDelivery delivery = opened();
  const SealedFile file = sealed_file(delivery.id, 10);
  staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event());
  store_->deliveries().revoke(tenant_, delivery.id, "", some_event());
  const NewDelivery over = opened();
  ask(database_,
      "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$"
      " BEGIN RAISE EXCEPTION 'not now'; END $$");
  ask(database_,
      "CREATE TRIGGER fail BEFORE UPDATE ON delivery FOR EACH ROW WHEN (NEW.state = 'expired')"
      " EXECUTE FUNCTION fail()");
  EXPECT_NE(error_of([&] { store_->sweep_lapsed(now_ + 2h, 10); }), std::nullopt);
  EXPECT_EQ(count("payload_row"), "0") << "the sealed bytes went all the same";
  ask(database_, "DROP TRIGGER fail ON delivery");
  EXPECT_EQ(store_->sweep_lapsed(now_ + 2h, 10).deliveries, 1u);
  EXPECT_EQ(count("audit WHERE kind = 'expiry' AND object_id = '" + over.id.text() + "'"), "1");
}

// --- Several gateways sweep ---------------------------------------------------------------------

TEST_F(PostgresLife, GatewaysThatSweepTogetherTakeEachThingOnce) {
  constexpr int kDeliveries = 40;
  std::uint64_t rows = 0;
  for (int i = 0; i < kDeliveries; ++i) {
    NewDelivery delivery = some_delivery(sender_);
    if (i % 4 == 0) delivery.expires += 10h;
    const SealedFile file = sealed_file(delivery.id, i % 8 == 1 ? 70 * kPlainRow / 16 : 10);
    deliver(*store_, tenant_, file, delivery);
    if (i % 4 != 0) rows += file.rows.size();
    if (i % 4 == 3) store_->deliveries().revoke(tenant_, delivery.id, "r", some_event());
    if (i % 4 == 2) {
      NewDelivery busy = some_delivery(sender_);
      busy.expires += std::chrono::days(10);
      store_->deliveries().open(tenant_, busy, some_event());
      store_->uploads().create(tenant_, {Uuid::v7(), busy.id, Uuid::v7(), 100, "d"}, kAnyAmount,
                               now_ - 24h, some_event());
    }
  }
  const auto other = open_postgres(options_for(database_));
  Lapsed sum;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (Store* gateway : {store_.get(), other.get(), store_.get(), other.get()}) {
    threads.emplace_back([&, gateway] {
      for (int idle = 0; idle < 3;) {
        const Lapsed one = gateway->sweep_lapsed(now_ + 2h, 5);
        idle = one.any() ? 0 : idle + 1;
        const std::lock_guard lock(mutex);
        sum.deliveries += one.deliveries;
        sum.uploads += one.uploads;
        sum.payloads += one.payloads;
        sum.rows += one.rows;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum.deliveries, kDeliveries / 2u) << "a quarter was revoked, a quarter lives on";
  EXPECT_EQ(sum.uploads, kDeliveries / 4u);
  EXPECT_EQ(sum.payloads, kDeliveries * 3u / 4u + kDeliveries / 4u) << "of files and of uploads";
  EXPECT_EQ(sum.rows, rows);
  EXPECT_EQ(count("file"), std::to_string(kDeliveries / 4));
  EXPECT_EQ(count("payload"), std::to_string(kDeliveries / 4));
  EXPECT_EQ(count("payload_row AS r LEFT JOIN payload AS p ON p.id = r.payload_id"
                  " WHERE p.id IS NULL"),
            "0");
}

TEST_F(PostgresLife, WhatAGatewayStagedThatNeverComesBackGoesAfterTwoDays) {
  Child gateway({"--stage", database_, Uuid::v7().text(), "2"});
  gateway.kill_at_once();
  const NewDelivery delivery = some_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(delivery.id, 10), delivery);
  NewDelivery lasting = some_delivery(sender_);
  lasting.expires += std::chrono::days(10);
  store_->deliveries().open(tenant_, lasting, some_event());
  store_->uploads().create(tenant_, {Uuid::v7(), lasting.id, Uuid::v7(), 9, "d"}, kAnyAmount,
                           now_ + 47h, some_event());
  store_->deliveries().revoke(tenant_, delivery.id, "", some_event());
  EXPECT_EQ(store_->sweep_lapsed(now_ + 47h, 10).payloads, 1u) << "the revoked one's";
  const Lapsed lapsed = store_->sweep_lapsed(now_ + kStagedRowsKept + 1h, 10);
  EXPECT_EQ(lapsed.payloads, 1u);
  EXPECT_EQ(lapsed.rows, 2u);
  EXPECT_EQ(count("payload"), "1") << "the upload's";
}

TEST_F(PostgresLife, WhatWasSweptCanBeFilledAgain) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const NewDelivery delivery = some_delivery(sender_);
  deliver(*store_, tenant_, sealed_file(delivery.id, 16 * kPlainRow), delivery);
  EXPECT_LT(store_->reusable(), kMiB);
  store_->deliveries().revoke(tenant_, delivery.id, "", some_event());
  while (store_->sweep_lapsed(now_, 100).any()) {
  }
  EXPECT_GT(store_->reusable(), 15 * kMiB);
}

TEST_F(PostgresLife, ASweepPassesByWhatSomebodyWorksOn) {
  const NewDelivery delivery = opened();
  const NewDelivery idle = opened();
  pqxx::connection bystander(database_);
  pqxx::work work(bystander);
  work.exec("SELECT FROM delivery WHERE id = '" + delivery.id.text() + "' FOR SHARE");
  EXPECT_EQ(store_->sweep_lapsed(now_ + 2h, 10).deliveries, 1u);
  EXPECT_EQ(store_->receipts().find(tenant_, idle.id)->state, DeliveryState::kExpired);
  EXPECT_EQ(store_->receipts().find(tenant_, delivery.id)->state, DeliveryState::kOpen);
  work.commit();
  EXPECT_EQ(store_->sweep_lapsed(now_ + 2h, 10).deliveries, 1u);
}

}  // namespace
}  // namespace letterbox::storage::testing
