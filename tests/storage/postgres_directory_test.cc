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
  const TenantId tenant_ = some_tenant(*store_);

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
  store_->audit().append(tenant_, some_event());
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
  const Principal ours = some_principal(*store_, tenant_, "pacs@a", PrincipalKind::kMachine);
  const Principal theirs = some_principal(*store_, other, "pacs@b", PrincipalKind::kMachine);
  store_->machines().add_certificate(tenant_, ours.id, spki, some_event());
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

TEST_F(PostgresDirectory, TheDatabaseItselfKeepsASigningKeyInOneTenantAndASenderInHis) {
  const TenantId other = some_tenant(*store_);
  const NewDevice device = some_device("alice@a");
  some_principal(*store_, tenant_, "alice@a");
  store_->devices().add(tenant_, device, some_event());
  const Principal theirs = some_principal(*store_, other, "alice@a");
  const auto insert = [&](const std::string& signing_key, const std::string& key_id) {
    return refusal(
        "INSERT INTO device (tenant_id, recipient, signing_key, key_id, principal_id,"
        " record, position) VALUES ('" +
        other.uuid.text() + "', 'age1', '" + signing_key + "', '" + key_id + "', '" +
        theirs.id.text() + "', '', 1)");
  };
  const std::string fresh = to_hex(some_digest());
  EXPECT_EQ(insert(device.signing_key, fresh), "23505");
  EXPECT_EQ(insert(fresh, device.key_id), "23505");
  EXPECT_EQ(insert(fresh, fresh), "");

  EXPECT_EQ(refusal("INSERT INTO delivery (tenant_id, id, sender_id, sealed_by_gateway, created,"
                    " expires, downloads) VALUES ('" +
                    tenant_.uuid.text() + "', '" + Uuid::v7().text() + "', '" + theirs.id.text() +
                    "', true, now(), now() + interval '1 h', 1)"),
            "23503")
      << "another tenant's principal";
}

TEST_F(PostgresDirectory, AReaderOfTheTrailWaitsForAWriterThatHasItsPlaceAlready) {
  store_->audit().append(tenant_, some_event());
  // A slow writer: it has taken its place and not committed.
  pqxx::connection slow(database_);
  pqxx::work writer(slow);
  writer.exec_params(
      "INSERT INTO audit (tenant_id, id, kind, outcome) VALUES ($1, $2, 'login', 'success')",
      tenant_.uuid.text(), Uuid::v7().text());

  std::vector<AuditRecord> read;
  std::thread reader([&] { read = store_->audit().read(tenant_, std::nullopt, 10); });
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
  store_->nonces().claim(tenant_, "key", "one", past);
  store_->nonces().claim(tenant_, "key", "two", past);
  pqxx::connection other(database_);
  pqxx::work holder(other);
  holder.exec("SELECT FROM nonce WHERE nonce = 'one' FOR UPDATE");
  EXPECT_EQ(store_->nonces().sweep(10), 1u);
  holder.commit();
  EXPECT_EQ(store_->nonces().sweep(10), 1u);
}

// --- From version 1 -----------------------------------------------------------------------------

// A database whose schema an earlier program left at `version`.
std::string database_at(std::size_t version) {
  const std::string database = fresh_database(shared_cluster());
  Pool(options_for(database)).transact([&](pqxx::work& transaction, Connection&) {
    return migrate(transaction, migrations().first(version));
  });
  return database;
}

TEST(MigrationToTheDirectory, KeepsTheDevicesOfVersionOneAndMakesTheirPrincipals) {
  const std::string database = database_at(1);
  const std::array keys = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                           "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                           "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                           "AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
  const TenantId tenant{Uuid::v7()};
  const TenantId other{Uuid::v7()};
  ask(database, "INSERT INTO tenant VALUES ('" + tenant.uuid.text() + "', 'clinic'), ('" +
                    other.uuid.text() + "', 'other')");
  const auto insert = [&](TenantId whose, const std::string& recipient, const std::string& key,
                          const std::string& handle) {
    ask(database, "INSERT INTO device VALUES ('" + whose.uuid.text() + "', '" + recipient + "', '" +
                      key + "', '" + handle + "', '\\x00ff')");
  };
  insert(tenant, "age1z", keys[0], "alice@clinic");
  insert(tenant, "age1a", keys[1], "alice@clinic");
  insert(tenant, "age1m", keys[2], "bob@clinic");
  insert(other, "age1z", keys[3], "alice@clinic");

  const auto store = open_postgres(options_for(database));
  DeviceStore& devices = store->devices();
  EXPECT_EQ(devices.list(tenant).size(), 3u);
  const Principal alice = store->principals().find_handle(tenant, "alice@clinic").value();
  EXPECT_EQ(alice.kind, PrincipalKind::kPerson);
  EXPECT_EQ(store->principals().list(tenant).size(), 2u);
  EXPECT_NE(store->principals().find_handle(other, "alice@clinic").value().id, alice.id);

  // SHA-256 of 32 zero bytes, as any other program says.
  const KeyHolder holder =
      devices.find_key("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925").value();
  EXPECT_EQ(holder.tenant, tenant);
  const Device device = holder.device;
  EXPECT_EQ(device.recipient, "age1z");
  EXPECT_EQ(device.handle, "alice@clinic");
  EXPECT_EQ(device.principal, alice.id);
  EXPECT_EQ(device.record, std::string("\0\xff", 2));
  EXPECT_FALSE(device.revoked);

  // In the order in which they came, and what comes now comes after them.
  devices.add_record(tenant, "age1z", "new", some_event());
  const auto history = devices.history(tenant, "alice@clinic");
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].recipient, "age1z");
  EXPECT_EQ(history[1].recipient, "age1a");
  EXPECT_EQ(history[2].record, "new");
}

// --- From version 2 -----------------------------------------------------------------------------

TEST(MigrationToIdentity, TakesADatabaseThatHoldsNothingButItsTrail) {
  const std::string database = database_at(2);
  ask(database, "INSERT INTO audit (tenant_id, id, kind, outcome) SELECT id, '" +
                    Uuid::v7().text() + "', 'administration', 'success' FROM tenant");
  const auto store = open_postgres(options_for(database));
  const auto tenants = store->tenants().list();
  ASSERT_EQ(tenants.size(), 1u);
  EXPECT_EQ(tenants[0].id, kGateway);
  EXPECT_EQ(tenants[0].name, ".gateway");
  EXPECT_EQ(store->audit().read(kGateway, std::nullopt, 10).size(), 1u);
}

TEST(MigrationToIdentity, RefusesADatabaseThatHoldsWhatIsNobodysNow) {
  const std::string id = Uuid::v7().text();
  const std::string tenant = kGateway.uuid.text();
  const std::string other = Uuid::v7().text();
  const auto delivery = [&](const std::string& whose) {
    return "INSERT INTO delivery (tenant_id, id, sealed_by_gateway, created, expires) VALUES ('" +
           whose + "', '" + id + "', true, now() - interval '2 h', now() - interval '1 h')";
  };
  for (const std::string& held :
       {delivery(tenant), delivery(other),
        "INSERT INTO principal (tenant_id, id, handle, kind) VALUES ('" + tenant + "', '" + id +
            "', 'a@b', 'person')",
        "INSERT INTO invitation (tenant_id, token_sha256, handle, kind, expires) VALUES ('" +
            tenant + "', '\\x" + to_hex(some_digest()) + "', 'a@b', 'person', now())",
        "INSERT INTO mailbox (tenant_id, name) VALUES ('" + tenant + "', 'ward')"}) {
    SCOPED_TRACE(held);
    const std::string database = database_at(2);
    ask(database, "INSERT INTO tenant VALUES ('" + other + "', 'other')");
    ask(database, held);
    try {
      open_postgres(options_for(database));
      ADD_FAILURE() << "was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfiguration);
      EXPECT_NE(std::string(error.what()).find("start this one with an empty database"),
                std::string::npos)
          << error.what();
    }
    // As it was, for the version that took it in.
    EXPECT_EQ(ask(database, "SELECT max(version) FROM schema_migration"), "2");
    EXPECT_EQ(ask(database, "SELECT name FROM tenant WHERE id = '" + tenant + "'"), "default");
  }
}

}  // namespace
}  // namespace letterbox::storage::testing
