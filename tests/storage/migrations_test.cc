#include "storage/migrations.h"

#include <gtest/gtest.h>

#include <thread>

#include "crypto/hash.h"
#include "storage/pool.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

constexpr const char* kOneSha256 =
    "1111111111111111111111111111111111111111111111111111111111111111";
constexpr const char* kTwoSha256 =
    "2222222222222222222222222222222222222222222222222222222222222222";

constexpr Migration kOne = {1, "0001_one", kOneSha256, "CREATE TABLE one (); SELECT 1"};
constexpr Migration kTwo = {2, "0002_two", kTwoSha256, "CREATE TABLE two ()"};
constexpr Migration kBroken = {2, "0002_two", kTwoSha256, "CREATE TABLE two (); SELECT nonsense"};

std::size_t migrate_to(const std::string& connection, const std::vector<Migration>& wanted) {
  Pool pool(options_for(connection));
  return pool
      .transact([&](pqxx::work& transaction, Connection&) { return migrate(transaction, wanted); })
      .size();
}

TEST(Migrations, CarryTheSha256OfTheirText) {
  ASSERT_FALSE(migrations().empty());
  int version = 0;
  for (const Migration& migration : migrations()) {
    EXPECT_EQ(migration.version, ++version);
    EXPECT_EQ(migration.sha256, to_hex(crypto::sha256(as_bytes(migration.sql)))) << migration.name;
  }
}

TEST(Migrations, AreAppliedOnceEachInOrder) {
  const std::string connection = fresh_database(shared_cluster());
  EXPECT_EQ(migrate_to(connection, {kOne}), 1u);
  EXPECT_EQ(migrate_to(connection, {kOne}), 0u);
  EXPECT_EQ(migrate_to(connection, {kOne, kTwo}), 1u);
  EXPECT_EQ(migrate_to(connection, {kOne, kTwo}), 0u);
  EXPECT_EQ(ask(connection,
                "SELECT string_agg(name || ':' || sha256, ' ' ORDER BY version)"
                " FROM schema_migration"),
            std::string("0001_one:") + kOneSha256 + " 0002_two:" + kTwoSha256);
}

TEST(Migrations, LeaveNothingBehindWhenOneFails) {
  const std::string connection = fresh_database(shared_cluster());
  EXPECT_EQ(error_of([&] { migrate_to(connection, {kOne, kBroken}); }), ErrorCode::kInternal);
  EXPECT_EQ(migrate_to(connection, {kOne, kTwo}), 2u);
}

TEST(Migrations, RefuseAPastThatWasChanged) {
  const std::string connection = fresh_database(shared_cluster());
  migrate_to(connection, {kOne, kTwo});
  Migration changed = kOne;
  changed.sha256 = kTwoSha256;
  EXPECT_EQ(error_of([&] { migrate_to(connection, {changed, kTwo}); }), ErrorCode::kConfiguration);
}

TEST(Migrations, RefuseASchemaNewerThanTheProgram) {
  const std::string connection = fresh_database(shared_cluster());
  migrate_to(connection, {kOne, kTwo});
  EXPECT_EQ(error_of([&] { migrate_to(connection, {kOne}); }), ErrorCode::kConfiguration);
}

TEST(Migrations, ProgramsThatStartTogetherTakeTurns) {
  const std::string connection = fresh_database(shared_cluster());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { EXPECT_NO_THROW(open_postgres(options_for(connection))); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ask(connection, "SELECT count(*) FROM schema_migration"),
            std::to_string(migrations().size()));
}

TEST(Migrations, AStoreRefusesASchemaThatIsNotItsOwn) {
  const std::string newer = fresh_database(shared_cluster());
  open_postgres(options_for(newer));
  ask(newer, "INSERT INTO schema_migration VALUES (9999, '9999_later', repeat('a', 64))");
  EXPECT_EQ(error_of([&] { open_postgres(options_for(newer)); }), ErrorCode::kConfiguration);

  const std::string changed = fresh_database(shared_cluster());
  open_postgres(options_for(changed));
  ask(changed, "UPDATE schema_migration SET sha256 = repeat('a', 64) WHERE version = 1");
  EXPECT_EQ(error_of([&] { open_postgres(options_for(changed)); }), ErrorCode::kConfiguration);
}

}  // namespace
}  // namespace letterbox::storage::testing
