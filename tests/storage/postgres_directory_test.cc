// What the database itself holds the directory to, whoever speaks to it.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "storage/migrations.h"
#include "storage/pool.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

using namespace std::chrono_literals;

class PostgresDirectory : public ::testing::Test {
 protected:
  std::string database_ = fresh_database(shared_cluster());
  std::unique_ptr<Store> store_ = open_postgres(options_for(database_));

  // The SQLSTATE with which the database refuses; empty if it doesn't.
  std::string refusal(const std::string& sql) {
    pqxx::connection bystander(database_);
    pqxx::work transaction(bystander);
    try {
      transaction.exec("SET LOCAL lock_timeout = '20s'");
      transaction.exec("DO $do$ BEGIN " + sql +
                       "; EXCEPTION WHEN OTHERS THEN"
                       " PERFORM set_config('test.refusal', SQLSTATE, true); END $do$");
    } catch (const pqxx::sql_error& error) {
      return error.what();
    }
    return transaction.exec1("SELECT coalesce(current_setting('test.refusal', true), '')")[0]
        .as<std::string>();
  }
};

TEST_F(PostgresDirectory, TheAuditTrailRefusesWhateverIsNoInsertion) {
  store_->audit().append(kDefaultTenant, some_event());
  // The cluster's user is a superuser, whom no missing right stops.
  for (const char* change :
       {"UPDATE audit SET outcome = 'failure'", "DELETE FROM audit",
        "DELETE FROM audit WHERE false", "TRUNCATE audit", "TRUNCATE tenant CASCADE"}) {
    EXPECT_EQ(refusal(change), "42501") << change;
  }
  EXPECT_EQ(ask(database_, "SELECT count(*) FROM audit WHERE outcome = 'success'"), "1");
}

TEST_F(PostgresDirectory, NobodyHasTheRightToChangeTheAuditTrail) {
  EXPECT_EQ(ask(database_,
                "SELECT string_agg(DISTINCT privilege_type, ',')"
                "  FROM pg_class, aclexplode(relacl)"
                " WHERE oid = 'audit'::regclass"
                "   AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')"),
            "");
}

TEST_F(PostgresDirectory, TheNonceTableSurvivesACrash) {
  EXPECT_EQ(ask(database_, "SELECT relpersistence FROM pg_class WHERE oid = 'nonce'::regclass"),
            "p");
}

TEST_F(PostgresDirectory, TheDatabaseHoldsNoColumnForATokenOrANameInTheTrail) {
  EXPECT_EQ(ask(database_,
                "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
                " WHERE attrelid = 'audit'::regclass AND attnum > 0"),
            "tenant_id position id at kind outcome principal_id device peer object_id");
}

TEST_F(PostgresDirectory, TheDatabaseItselfKeepsACertificateInOneTenant) {
  const TenantId other = store_->tenants().make("other");
  const Digest spki = some_digest();
  const Principal ours = some_principal(*store_, kDefaultTenant, "pacs@a", PrincipalKind::kMachine);
  const Principal theirs = some_principal(*store_, other, "pacs@b", PrincipalKind::kMachine);
  store_->machines().add_certificate(kDefaultTenant, ours.id, spki, some_event());
  EXPECT_EQ(
      refusal("INSERT INTO machine_certificate (tenant_id, spki_sha256, principal_id) VALUES"
              " ('" +
              other.uuid.text() + "', '\\x" + to_hex(spki) + "', '" + theirs.id.text() + "')"),
      "23505");
  EXPECT_EQ(refusal("INSERT INTO machine_certificate (tenant_id, spki_sha256, principal_id) VALUES"
                    " ('" +
                    other.uuid.text() + "', '\\x" + to_hex(some_digest()) + "', '" +
                    ours.id.text() + "')"),
            "23503")
      << "another tenant's principal";
}

TEST_F(PostgresDirectory, AReaderOfTheTrailWaitsForAWriterThatHasItsPlaceAlready) {
  store_->audit().append(kDefaultTenant, some_event());
  // A slow writer: it has taken its place and not committed.
  pqxx::connection slow(database_);
  pqxx::work writer(slow);
  writer.exec_params(
      "INSERT INTO audit (tenant_id, id, kind, outcome) VALUES ($1, $2, 'login', 'success')",
      kDefaultTenant.uuid.text(), Uuid::v7().text());

  std::vector<AuditRecord> read;
  std::thread reader([&] { read = store_->audit().read(kDefaultTenant, std::nullopt, 10); });
  // Until the reader stands in line, or is through and has missed the writer.
  const std::string waits =
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
      " AND NOT granted AND database ="
      " (SELECT oid FROM pg_database WHERE datname = current_database())";
  const auto deadline = std::chrono::steady_clock::now() + 15s;
  while (ask(database_, waits) == "0" && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  writer.commit();
  reader.join();
  EXPECT_EQ(read.size(), 2u);
}

TEST_F(PostgresDirectory, ASweepLeavesWhatAnotherHasInHand) {
  const auto past = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - 1h;
  store_->nonces().claim(kDefaultTenant, "key", "one", past);
  store_->nonces().claim(kDefaultTenant, "key", "two", past);
  pqxx::connection other(database_);
  pqxx::work holder(other);
  holder.exec("SELECT FROM nonce WHERE nonce = 'one' FOR UPDATE");
  EXPECT_EQ(store_->nonces().sweep(10), 1u);
  holder.commit();
  EXPECT_EQ(store_->nonces().sweep(10), 1u);
}

// --- From version 1 -----------------------------------------------------------------------------

TEST(MigrationToTheDirectory, KeepsTheDevicesOfVersionOneAndMakesTheirPrincipals) {
  const std::string database = fresh_database(shared_cluster());
  Pool pool(options_for(database));
  const auto first = migrations().first(1);
  pool.transact([&](pqxx::work& transaction, Connection&) { return migrate(transaction, first); });
  const std::array keys = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                           "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                           "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
  const std::string other = Uuid::v7().text();
  ask(database, "INSERT INTO tenant VALUES ('" + other + "', 'other')");
  const auto insert = [&](const std::string& tenant, const std::string& recipient,
                          const std::string& key, const std::string& handle) {
    ask(database, "INSERT INTO device VALUES ('" + tenant + "', '" + recipient + "', '" + key +
                      "', '" + handle + "', '\\x00ff')");
  };
  insert(kDefaultTenant.uuid.text(), "age1z", keys[0], "alice@clinic");
  insert(kDefaultTenant.uuid.text(), "age1a", keys[1], "alice@clinic");
  insert(kDefaultTenant.uuid.text(), "age1m", keys[2], "bob@clinic");
  insert(other, "age1z", keys[0], "alice@clinic");

  const auto store = open_postgres(options_for(database));
  DeviceStore& devices = store->devices();
  EXPECT_EQ(devices.list(kDefaultTenant).size(), 3u);
  const Principal alice = store->principals().find_handle(kDefaultTenant, "alice@clinic").value();
  EXPECT_EQ(alice.kind, PrincipalKind::kPerson);
  EXPECT_EQ(store->principals().list(kDefaultTenant).size(), 2u);
  EXPECT_NE(store->principals().find_handle({*Uuid::parse(other)}, "alice@clinic").value().id,
            alice.id);

  // SHA-256 of 32 zero bytes, as any other program says.
  const Device device =
      devices
          .find_key(kDefaultTenant,
                    "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925")
          .value();
  EXPECT_EQ(device.recipient, "age1z");
  EXPECT_EQ(device.handle, "alice@clinic");
  EXPECT_EQ(device.principal, alice.id);
  EXPECT_EQ(device.record, std::string("\0\xff", 2));
  EXPECT_FALSE(device.revoked);

  // In the order in which they came, and what comes now comes after them.
  devices.add_record(kDefaultTenant, "age1z", "new", some_event());
  const auto history = devices.history(kDefaultTenant, "alice@clinic");
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].recipient, "age1z");
  EXPECT_EQ(history[1].recipient, "age1a");
  EXPECT_EQ(history[2].record, "new");
}

}  // namespace
}  // namespace letterbox::storage::testing
