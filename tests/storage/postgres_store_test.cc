// What only a store with a server behind it can go through.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "storage/postmaster.h"
#include "storage/row_framing.h"
#include "tests/storage/child.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

namespace fs = std::filesystem;

class PostgresStore : public ::testing::Test {
 protected:
  std::string database_ = fresh_database(shared_cluster());
  PostgresOptions options_ = options_for(database_);
  std::unique_ptr<Store> store_ = open_postgres(options_);
  const TenantId tenant_ = some_tenant(*store_);
  const Uuid sender_ = some_principal(*store_, tenant_, "sender@here").id;

  int rows() { return std::stoi(ask(database_, "SELECT count(*) FROM payload_row")); }
  int payloads() { return std::stoi(ask(database_, "SELECT count(*) FROM payload")); }
};

// --- Staging and sweeping -----------------------------------------------------------------------

TEST_F(PostgresStore, AWriterThatEndsBeforeItsCommitDropsItsRows) {
  {
    const auto writer = staged(*store_, tenant_, sealed_file(Uuid::v7(), 3 * kPlainRow + 1));
    EXPECT_EQ(rows(), 3) << "the last one waits in the writer";
    EXPECT_EQ(payloads(), 1);
  }
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(payloads(), 0);
}

TEST_F(PostgresStore, AWriterThatFailedItsCommitDropsItsRows) {
  const SealedFile file = sealed_file(Uuid::v7(), 3 * kPlainRow);
  EXPECT_EQ(
      error_of([&] { staged(*store_, tenant_, file)->commit(file.record, nullptr, some_event()); }),
      ErrorCode::kNotFound);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(payloads(), 0);
}

TEST_F(PostgresStore, AFileOfOneRowTouchesNothingBeforeItsCommit) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, kPlainRow);
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_EQ(payloads(), 0);
  writer->commit_as_delivery(file.record, nullptr, delivery, "a manifest", some_event());
  EXPECT_EQ(rows(), 1);
}

TEST_F(PostgresStore, ASweepTakesWhatAKilledRunOfThisInstanceStagedAndNothingElse) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile delivered = sealed_file(delivery.id, 2 * kPlainRow);
  deliver(*store_, tenant_, delivered, delivery);
  Child ours({"--stage", database_, options_.instance.text(), "3"});
  Child theirs({"--stage", database_, Uuid::v7().text(), "4"});
  ours.kill_at_once();
  theirs.kill_at_once();
  EXPECT_EQ(rows(), 2 + 3 + 4);

  const Swept swept = store_->sweep();
  EXPECT_EQ(swept.files, 1u);
  EXPECT_EQ(swept.rows, 3u);
  EXPECT_EQ(rows(), 2 + 4);
  const Swept again = store_->sweep();
  EXPECT_EQ(again.files, 0u);
  EXPECT_EQ(again.rows, 0u);
  EXPECT_EQ(read_payload(*store_, tenant_, delivered.record.id), delivered.payload());
}

TEST_F(PostgresStore, ACommitNoticesStagedRowsThatWereLost) {
  const NewDelivery delivery = some_delivery(sender_);
  store_->deliveries().open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 4 * kPlainRow);
  const auto writer = staged(*store_, tenant_, file);
  // What a server's crash may do to transactions that didn't wait for the disk.
  ask(database_, "DELETE FROM payload_row WHERE row_no = 2");
  EXPECT_EQ(error_of([&] { writer->commit(file.record, nullptr, some_event()); }),
            ErrorCode::kUnavailable);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM file"), "0");
}

TEST_F(PostgresStore, AWriterNoticesThatItsPayloadIsGone) {
  const NewDelivery delivery = some_delivery(sender_);
  store_->deliveries().open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 4 * kPlainRow);
  const auto writer = store_->blobs().begin(tenant_, file.record.id);
  writer->append(file.rows[0]);
  writer->append(file.rows[1]);
  ask(database_, "DELETE FROM payload");
  EXPECT_EQ(error_of([&] { writer->append(file.rows[2]); }), ErrorCode::kUnavailable);

  const SealedFile other = sealed_file(delivery.id, 4 * kPlainRow);
  const auto at_commit = staged(*store_, tenant_, other);
  ask(database_, "DELETE FROM payload");
  EXPECT_EQ(error_of([&] { at_commit->commit(other.record, nullptr, some_event()); }),
            ErrorCode::kUnavailable);
  EXPECT_EQ(rows(), 0) << "no row without its payload";
}

// --- Requests -----------------------------------------------------------------------------------

class PostgresRequest : public PostgresStore {
 protected:
  // Of six rows, of which four are staged, then a small one.
  const std::vector<SealedFile> files_ = {sealed_file(Uuid::v7(), 4 * kPlainRow),
                                          sealed_file(Uuid::v7(), 2 * kPlainRow + 1),
                                          sealed_file(Uuid::v7(), 10)};
  std::unique_ptr<RequestWriter> request_ = store_->studies().begin(tenant_);

  std::vector<StudyCommit> sent() {
    StudyCommit commit{some_digest(), some_study(sender_), {}};
    for (const SealedFile& file : files_) {
      add(*request_, file);
      commit.files.push_back(placed(file));
    }
    return {commit};
  }
  std::optional<ErrorCode> error_of_commit(const std::vector<StudyCommit>& studies) {
    return error_of(
        [&] { EXPECT_EQ(request_->commit(studies, some_event()), CommitOutcome::kDone); });
  }
  // Until so many rows are there, which another thread stores.
  void await_rows(int count) {
    while (rows() < count) std::this_thread::yield();
  }
  std::string indexes() { return ask(database_, "SELECT count(*) FROM sealed_index"); }
};

TEST_F(PostgresRequest, LeavesNothingBehindThatItDoesNotStore) {
  sent();
  await_rows(4);
  request_.reset();
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(payloads(), 0);
  EXPECT_EQ(indexes(), "0");
}

TEST_F(PostgresRequest, LeavesNothingBehindOfFilesThatAreDroppedOrPlacedNowhere) {
  std::vector<StudyCommit> studies = sent();
  request_->begin_file(Uuid::v7());
  for (const Ciphertext& row : files_[0].rows) request_->append(row);
  request_->drop_file();
  studies[0].files.erase(studies[0].files.begin());
  EXPECT_EQ(error_of_commit(studies), std::nullopt);
  request_.reset();
  EXPECT_EQ(rows(), 3 + 1);
  EXPECT_EQ(payloads(), 2);
  EXPECT_EQ(indexes(), "2");
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM payload WHERE staged_by IS NOT NULL"), "0");
}

TEST_F(PostgresRequest, OfLittleTouchesNothingBeforeItsCommit) {
  add(*request_, files_[2]);
  EXPECT_EQ(payloads(), 0);
  EXPECT_EQ(
      request_->commit({{some_digest(), some_study(sender_), {placed(files_[2])}}}, some_event()),
      CommitOutcome::kDone);
  EXPECT_EQ(rows(), 1);
}

TEST_F(PostgresRequest, NoticesStagedRowsAndIndexesThatWereLost) {
  const std::vector<StudyCommit> studies = sent();
  await_rows(4);
  ask(database_, "BEGIN; DELETE FROM payload_row WHERE row_no = 1; COMMIT");
  EXPECT_EQ(error_of_commit(studies), ErrorCode::kUnavailable);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM delivery"), "0");
}

TEST_F(PostgresRequest, NoticesThatItsPayloadsWereSwept) {
  const std::vector<StudyCommit> studies = sent();
  await_rows(4);
  EXPECT_GT(store_->sweep().rows, 0u);
  EXPECT_EQ(error_of_commit(studies), ErrorCode::kUnavailable);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM delivery"), "0");
  request_.reset();
  EXPECT_EQ(payloads(), 0);
}

TEST_F(PostgresRequest, HoldsNoConnectionWhileItWaitsForMore) {
  options_.pool_size = 1;
  options_.patience_seconds = 5;
  store_ = open_postgres(options_);
  request_ = store_->studies().begin(tenant_);
  request_->begin_file(files_[0].record.id);
  request_->append(files_[0].rows[0]);
  request_->append(files_[0].rows[1]);
  await_rows(2);
  EXPECT_FALSE(store_->studies().find_open(tenant_, some_digest()));
  while (store_->connection_use().busy > 0) std::this_thread::yield();
}

TEST_F(PostgresRequest, ACommitThatFailsLeavesNeitherTheFilesNorTheRecord) {
  const std::vector<StudyCommit> studies = sent();
  const std::string before = ask(database_, "SELECT count(*) FROM audit");
  ask(database_,
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN RAISE EXCEPTION ''no''; END'");
  ask(database_,
      "CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON file DEFERRABLE INITIALLY DEFERRED"
      " FOR EACH ROW EXECUTE FUNCTION refuse()");
  EXPECT_EQ(error_of_commit(studies), ErrorCode::kInternal);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM audit"), before);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM delivery"), "0");
  ask(database_, "DROP TRIGGER refuses ON file");
  EXPECT_EQ(error_of_commit(studies), std::nullopt);
}

// --- Revoking -----------------------------------------------------------------------------------

TEST_F(PostgresStore, ARevokedDeliverysHeadersGoAtOnceAndItsBytesWithASweep) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow);
  const SealedIndex index = some_index(file.record.id);
  staged(*store_, tenant_, file)
      ->commit_as_delivery(file.record, &index, delivery, "m", some_event());
  EXPECT_TRUE(store_->deliveries().revoke(tenant_, delivery.id, "receipt", some_event()));
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM file"), "0");
  EXPECT_EQ(rows(), 3);

  const Lapsed lapsed = store_->sweep_lapsed(now(), 100);
  EXPECT_EQ(lapsed.rows, 3u);
  EXPECT_EQ(lapsed.payloads, 1u);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(payloads(), 0);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM sealed_index"), "0");
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM cover"), "1");
  EXPECT_EQ(ask(database_, "SELECT count(manifest) FROM delivery WHERE state = 'revoked'"), "1");
}

TEST_F(PostgresStore, AReaderNoticesAMissingRow) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 4 * kPlainRow);
  deliver(*store_, tenant_, file, delivery);
  ask(database_, "DELETE FROM payload_row WHERE row_no = 2");
  const auto source = store_->blobs().read(tenant_, file.record.id, 0);
  EXPECT_EQ(source->next().size(), kFullRow);
  EXPECT_EQ(source->next().size(), kFullRow);
  EXPECT_EQ(error_of([&] { source->next(); }), ErrorCode::kIntegrity);
}

TEST_F(PostgresStore, AReaderNoticesThatTheFileWentAway) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 4 * kPlainRow);
  deliver(*store_, tenant_, file, delivery);
  const auto source = store_->blobs().read(tenant_, file.record.id, 0);
  source->next();
  ask(database_, "UPDATE delivery SET created = now() - interval '2 h', expires = now()");
  EXPECT_EQ(error_of([&] { source->next(); }), ErrorCode::kNotFound);
}

TEST_F(PostgresStore, ARemovedFileLeavesNothingOfItBehind) {
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow);
  deliver(*store_, tenant_, file, delivery);
  store_->blobs().remove(tenant_, file.record.id, some_event());
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM file"), "0");
  store_->sweep_lapsed(now(), 100);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(payloads(), 0);
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM delivery WHERE manifest IS NOT NULL"), "1");
}

TEST_F(PostgresStore, ACommitThatFailsLeavesNeitherTheChangeNorItsRecord) {
  const NewDelivery open = some_delivery(sender_);
  store_->deliveries().open(tenant_, open, some_event());
  const NewDelivery full = some_delivery(sender_);
  const SealedFile there = sealed_file(full.id, 10);
  deliver(*store_, tenant_, there, full);
  const std::string state =
      "SELECT (SELECT count(*) FROM audit) || ' ' || (SELECT count(*) FROM delivery) || ' ' ||"
      " (SELECT count(*) FROM file) || ' ' || (SELECT count(*) FROM payload WHERE staged_by IS "
      "NULL)"
      " || ' ' || (SELECT count(manifest) FROM delivery)";
  const std::string before = ask(database_, state);

  // All statements succeed; COMMIT itself doesn't.
  ask(database_,
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN RAISE EXCEPTION ''no''; END'");
  ask(database_,
      "CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED"
      " FOR EACH ROW EXECUTE FUNCTION refuse()");
  const SealedFile file = sealed_file(open.id, 2 * kPlainRow);
  const auto writer = staged(*store_, tenant_, file);
  EXPECT_EQ(error_of([&] { writer->commit(file.record, nullptr, some_event()); }),
            ErrorCode::kInternal);
  const NewDelivery other = some_delivery(sender_);
  EXPECT_EQ(error_of([&] { deliver(*store_, tenant_, sealed_file(other.id, 10), other); }),
            ErrorCode::kInternal);
  EXPECT_EQ(error_of([&] { store_->deliveries().open(tenant_, other, some_event()); }),
            ErrorCode::kInternal);
  EXPECT_EQ(error_of([&] { store_->blobs().remove(tenant_, there.record.id, some_event()); }),
            ErrorCode::kInternal);
  EXPECT_EQ(ask(database_, state), before);

  ask(database_, "DROP TRIGGER refuses ON audit");
  writer->commit(file.record, nullptr, some_event());
  EXPECT_EQ(read_payload(*store_, tenant_, there.record.id), there.payload());
}

TEST_F(PostgresStore, AStagedPayloadBelongsToTheTenantThatSendsIt) {
  const auto writer = staged(*store_, tenant_, sealed_file(Uuid::v7(), 3 * kPlainRow));
  EXPECT_EQ(ask(database_,
                "SELECT count(*) FROM payload JOIN payload_row AS r ON r.payload_id = payload.id"
                " WHERE payload.tenant_id = r.tenant_id AND r.tenant_id = '" +
                    tenant_.uuid.text() + "'"),
            "2");
  EXPECT_EQ(rows(), 2);
}

TEST_F(PostgresStore, KeepsCiphertextUncompressedAndOutOfLine) {
  EXPECT_EQ(ask(database_,
                "SELECT string_agg(attstorage::text, '') FROM pg_attribute"
                " WHERE attrelid IN ('payload_row'::regclass, 'sealed_index'::regclass,"
                "                    'file'::regclass)"
                "   AND attname IN ('content', 'header', 'index_header')"),
            "eeee");
}

TEST_F(PostgresStore, EveryKeyBeginsWithTheTenant) {
  EXPECT_EQ(ask(database_, R"SQL(
      SELECT coalesce(string_agg(c.conname, ', '), '')
        FROM pg_constraint AS c
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
       WHERE c.connamespace = current_schema()::regnamespace
         AND c.contype IN ('p', 'u', 'f')
         AND c.conrelid NOT IN ('tenant'::regclass, 'schema_migration'::regclass)
         -- What a caller's tenant is found by is unique in the whole gateway.
         AND c.conname NOT IN ('machine_certificate_has_one_tenant', 'machine_token_has_one_tenant',
                               'device_key_id_has_one_tenant', 'device_signing_key_has_one_tenant')
         AND a.attname <> 'tenant_id')SQL"),
            "");
}

// --- The connection -----------------------------------------------------------------------------

TEST(PostgresStoreConnection, RefusesAPassword) {
  for (const char* connection : {"host=/x password=secret", "postgresql://me:secret@localhost/x",
                                 "postgresql://me@localhost/x?password=secret"}) {
    try {
      open_postgres(options_for(connection));
      FAIL() << connection;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfiguration);
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
  }
}

TEST(PostgresStoreConnection, RefusesWhatIsNoConnectionString) {
  EXPECT_EQ(error_of([] { open_postgres(options_for("no such thing")); }),
            ErrorCode::kConfiguration);
}

TEST(PostgresStoreConnection, TakesAUrl) {
  const fs::path directory = fresh_path("url");
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_TRUE(
      open_postgres(options_for("postgresql:///postgres?host=" + (directory / "run").string())));
}

TEST(PostgresStoreConnection, IsUnavailableWhereNoServerIs) {
  PostgresOptions options = options_for("host=" + scratch().string() + " dbname=postgres");
  options.patience_seconds = 0;
  EXPECT_EQ(error_of([&] { open_postgres(options); }), ErrorCode::kUnavailable);
}

// --- How it is ----------------------------------------------------------------------------------

TEST(PostgresStoreCondition, SeesASchemaThatIsAnotherThanThisPrograms) {
  const PostgresOptions options = options_for(fresh_database(shared_cluster()));
  const auto store = open_postgres(options);
  EXPECT_TRUE(store->condition().schema_current);
  for (const char* change :
       {"INSERT INTO schema_migration (version, name, sha256) VALUES (9999, 'x', repeat('0', 64))",
        "DELETE FROM schema_migration", "DROP TABLE schema_migration"}) {
    ask(options.connection, std::string("DO $$ BEGIN ") + change + "; END $$");
    EXPECT_TRUE(store->condition().reachable) << change;
    EXPECT_FALSE(store->condition().schema_current) << change;
  }
}

TEST(PostgresStoreCondition, CountsConnections) {
  PostgresOptions options = options_for(fresh_database(shared_cluster()));
  options.pool_size = 5;
  const auto store = open_postgres(options);
  EXPECT_EQ(store->connection_use().most, 5u);
  EXPECT_EQ(store->connection_use().open, 1u);
  EXPECT_EQ(store->connection_use().busy, 0u);
}

// --- The server goes away -----------------------------------------------------------------------

// Tests that end a server have one of their own.
class PostgresStoreWithServer : public ::testing::Test {
 protected:
  void start() { cluster_ = PrivateCluster::start(directory_); }
  void stop() { cluster_.reset(); }
  // As a power cut would: no farewell, no checkpoint.
  void crash() {
    const pid_t server = postmaster_of(directory_);
    kill(server, SIGQUIT);
    ASSERT_TRUE(wait_for_end(server, std::chrono::seconds(30)));
  }
  std::unique_ptr<Store> open(unsigned patience_seconds) {
    PostgresOptions options = options_for(fresh_database(*cluster_));
    options.patience_seconds = patience_seconds;
    auto store = open_postgres(options);
    tenant_ = some_tenant(*store);
    sender_ = some_principal(*store, tenant_, "sender@here").id;
    return store;
  }

  static const fs::path& directory() {
    static const fs::path kDirectory = fresh_path("own");
    return kDirectory;
  }

  const fs::path& directory_ = directory();
  TenantId tenant_;  // of the store that was opened last, and somebody there
  Uuid sender_;
  std::unique_ptr<PrivateCluster> cluster_ = PrivateCluster::start(directory_);
};

TEST_F(PostgresStoreWithServer, EveryCallIsUnavailableWhileItIsDownAndWorksOnceItIsBack) {
  const auto store = open(0);
  const NewDelivery delivery = some_delivery(sender_);
  store->deliveries().open(tenant_, delivery, some_event());
  const SealedFile file = sealed_file(delivery.id, 3 * kPlainRow);
  const auto writer = store->blobs().begin(tenant_, file.record.id);
  writer->append(file.rows[0]);
  writer->append(file.rows[1]);
  stop();

  const auto unavailable = ErrorCode::kUnavailable;
  const NewDelivery other = some_delivery(sender_);
  EXPECT_EQ(error_of([&] { writer->append(file.rows[2]); }), unavailable);
  EXPECT_EQ(error_of([&] { store->deliveries().open(tenant_, other, some_event()); }), unavailable);
  EXPECT_EQ(error_of([&] { store->deliveries().find(tenant_, other.id); }), unavailable);
  EXPECT_EQ(error_of([&] { store->deliveries().inbox(tenant_, "age1", std::nullopt, 1); }),
            unavailable);
  EXPECT_EQ(
      error_of([&] { store->deliveries().close(tenant_, other.id, "m", {}, {}, some_event()); }),
      unavailable);
  EXPECT_EQ(error_of([&] { store->blobs().find(tenant_, file.record.id); }), unavailable);
  EXPECT_EQ(error_of([&] { read_payload(*store, tenant_, file.record.id); }), unavailable);
  EXPECT_EQ(error_of([&] { deliver(*store, tenant_, sealed_file(other.id, 1), other); }),
            unavailable);
  EXPECT_EQ(error_of([&] { store->devices().add(tenant_, some_device("a@b"), some_event()); }),
            unavailable);
  EXPECT_EQ(error_of([&] { store->devices().list(tenant_); }), unavailable);
  EXPECT_EQ(error_of([&] { store->devices().find_key(to_hex(some_digest())); }), unavailable);
  EXPECT_EQ(error_of([&] { store->deliveries().audience(tenant_, other.id); }), unavailable);
  EXPECT_EQ(error_of([&] { store->blobs().remove(tenant_, file.record.id, some_event()); }),
            unavailable);
  EXPECT_EQ(error_of([&] { store->sweep(); }), unavailable);
  EXPECT_FALSE(store->condition().reachable);
  EXPECT_FALSE(store->condition().schema_current);

  start();
  EXPECT_TRUE(store->condition().reachable);
  EXPECT_TRUE(store->condition().schema_current);
  writer->append(file.rows[2]);
  writer->commit(file.record, nullptr, some_event());
  store->deliveries().close(tenant_, delivery.id, "a manifest", {file.record.id}, {}, some_event());
  EXPECT_EQ(read_payload(*store, tenant_, file.record.id), file.payload());
}

TEST_F(PostgresStoreWithServer, AWriterAndAReaderLiveThroughARestart) {
  const auto store = open(30);
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 4 * kPlainRow);
  const auto writer = store->blobs().begin(tenant_, file.record.id);
  for (const Ciphertext& row : file.rows) {
    writer->append(row);
    stop();
    start();
  }
  writer->commit_as_delivery(file.record, nullptr, delivery, "a manifest", some_event());

  const auto source = store->blobs().read(tenant_, file.record.id, 0);
  Bytes read;
  for (ByteView piece = source->next(); !piece.empty(); piece = source->next()) {
    read.insert(read.end(), piece.begin(), piece.end());
    stop();
    start();
  }
  EXPECT_EQ(read, file.payload());
}

TEST_F(PostgresStoreWithServer, ACrashMayCostStagedRowsButNeverHalfAFile) {
  const auto store = open(30);
  for (int round = 0; round < 3; ++round) {
    const NewDelivery delivery = some_delivery(sender_);
    const SealedFile file = sealed_file(delivery.id, 6 * kPlainRow);
    const auto writer = staged(*store, tenant_, file);
    crash();
    stop();
    start();
    const auto error = error_of([&] {
      writer->commit_as_delivery(file.record, nullptr, delivery, "a manifest", some_event());
    });
    if (error) {
      EXPECT_EQ(error, ErrorCode::kUnavailable);
      EXPECT_FALSE(store->blobs().find(tenant_, file.record.id));
    } else {
      EXPECT_EQ(read_payload(*store, tenant_, file.record.id), file.payload());
    }
  }
}

TEST_F(PostgresStoreWithServer, WhatWasAcknowledgedOutlivesACrash) {
  const auto store = open(30);
  const NewDelivery delivery = some_delivery(sender_);
  const SealedFile file = sealed_file(delivery.id, 6 * kPlainRow);
  deliver(*store, tenant_, file, delivery);
  const NewDevice device = some_device("alice@clinic");
  some_principal(*store, tenant_, device.handle);
  store->devices().add(tenant_, device, some_event());
  crash();
  stop();
  start();
  EXPECT_EQ(read_payload(*store, tenant_, file.record.id), file.payload());
  EXPECT_TRUE(store->devices().find_recipient(tenant_, device.recipient));
}

TEST_F(PostgresStoreWithServer, DuringARestartACallSucceedsOrSaysThatItIsUnavailable) {
  const auto store = open(30);
  std::atomic<bool> enough = false;
  std::atomic<int> delivered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!enough) {
        const NewDelivery delivery = some_delivery(sender_);
        const SealedFile file = sealed_file(delivery.id, 2 * kPlainRow);
        const auto error = error_of([&] { deliver(*store, tenant_, file, delivery); });
        if (error) {
          EXPECT_EQ(error, ErrorCode::kUnavailable);
        } else {
          ++delivered;
          EXPECT_EQ(read_payload(*store, tenant_, file.record.id), file.payload());
        }
      }
    });
  }
  const auto after_some_more = [&] {
    for (const int before = delivered; delivered < before + 5;) std::this_thread::yield();
  };
  after_some_more();
  stop();
  start();
  after_some_more();
  crash();
  stop();
  start();
  after_some_more();
  enough = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace letterbox::storage::testing
