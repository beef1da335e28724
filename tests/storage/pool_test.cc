#include "storage/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

int sessions_of(const std::string& connection) {
  const std::string name = connection.substr(connection.rfind('=') + 1);
  return std::stoi(
      ask(shared_cluster().connection(),
          "SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + name + "'"));
}

// Occupies a connection of `pool` until it is let go.
class Occupant {
 public:
  explicit Occupant(Pool& pool) {
    thread_ = std::thread([this, &pool] {
      pool.run([this](Connection&) {
        here_.set_value();
        leave_.get_future().wait();
      });
    });
    here_.get_future().wait();
  }
  ~Occupant() {
    leave_.set_value();
    thread_.join();
  }
  Occupant(const Occupant&) = delete;
  Occupant& operator=(const Occupant&) = delete;

 private:
  std::promise<void> here_;
  std::promise<void> leave_;
  std::thread thread_;
};

int one(Pool& pool) {
  return pool.read([](auto& snapshot) { return snapshot.exec1("SELECT 1")[0].template as<int>(); });
}

TEST(Pool, WaitsForAConnectionAndGivesUpWhenItsPatienceEnds) {
  PostgresOptions options = options_for(fresh_database(shared_cluster()));
  options.pool_size = 2;
  options.patience_seconds = 1;
  Pool pool(options);
  {
    const Occupant first(pool);
    const Occupant second(pool);
    EXPECT_EQ(error_of([&] { one(pool); }), ErrorCode::kUnavailable);
    EXPECT_EQ(sessions_of(options.connection), 2);
  }
  EXPECT_EQ(one(pool), 1);
}

TEST(Pool, SomebodyWhoWaitsGetsTheConnectionThatComesBack) {
  PostgresOptions options = options_for(fresh_database(shared_cluster()));
  options.pool_size = 1;
  Pool pool(options);
  auto occupant = std::make_unique<Occupant>(pool);
  auto answer = std::async(std::launch::async, [&] { return one(pool); });
  occupant.reset();
  EXPECT_EQ(answer.get(), 1);
}

TEST(Pool, ManyThreadsShareFewConnections) {
  PostgresOptions options = options_for(fresh_database(shared_cluster()));
  options.pool_size = 3;
  Pool pool(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_EQ(one(pool), 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(sessions_of(options.connection), 3);
}

int backend_of(Pool& pool) {
  return pool.read([](auto& snapshot) {
    return snapshot.exec1("SELECT pg_backend_pid()")[0].template as<int>();
  });
}

void hang_up_on(int backend) {
  ask(shared_cluster().connection(),
      "SELECT pg_terminate_backend(" + std::to_string(backend) + ", 10000)");
}

TEST(Pool, ReplacesAConnectionThatTheServerHungUpOnWhileItLayIdle) {
  PostgresOptions options = options_for(fresh_database(shared_cluster()));
  options.patience_seconds = 0;  // so it isn't tried in vain first
  Pool pool(options);
  const int backend = backend_of(pool);
  EXPECT_EQ(backend_of(pool), backend);
  hang_up_on(backend);
  EXPECT_NE(backend_of(pool), backend);
}

TEST(Connection, IsNeverQuietlyAnotherSessionThanTheOneThatWasSetUp) {
  Connection connection(shared_cluster().connection(), std::chrono::seconds(20));
  const auto backend = [&] {
    pqxx::work transaction(connection.records());
    return transaction.exec1("SELECT pg_backend_pid()")[0].as<int>();
  };
  hang_up_on(backend());
  for (int i = 0; i < 4; ++i) EXPECT_ANY_THROW(backend());
  EXPECT_ANY_THROW(connection.execute("SELECT 1", {}));
  EXPECT_TRUE(connection.lost());
  EXPECT_FALSE(connection.fit_for_use());
}

TEST(Connection, IsLostOnceTheServerHungUp) {
  Connection connection(shared_cluster().connection(), std::chrono::seconds(20));
  EXPECT_FALSE(connection.lost());
  EXPECT_ANY_THROW(connection.execute("SELECT nonsense", {}));
  EXPECT_FALSE(connection.lost()) << "an error isn't the end";
  EXPECT_TRUE(connection.fit_for_use());
  ask(shared_cluster().connection(),
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
      " WHERE application_name = 'letterboxd' AND state = 'idle'");
  EXPECT_ANY_THROW(connection.execute("SELECT 1", {}));
  EXPECT_TRUE(connection.lost());
}

TEST(Pool, RunsATransactionAgainThatLostItsConnectionBeforeTheCommit) {
  const PostgresOptions options = options_for(fresh_database(shared_cluster()));
  Pool pool(options);
  int runs = 0;
  pool.transact([&](pqxx::work& transaction, Connection&) {
    transaction.exec("CREATE TABLE mark ()");
    if (++runs == 1) {
      hang_up_on(transaction.exec1("SELECT pg_backend_pid()")[0].as<int>());
    }
    transaction.exec("INSERT INTO mark DEFAULT VALUES");
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(ask(options.connection, "SELECT count(*) FROM mark"), "1");
}

TEST(Pool, DoesNotRunATransactionAgainThatLostItsConnectionInTheCommit) {
  const PostgresOptions options = options_for(fresh_database(shared_cluster()));
  // A deferred constraint trigger runs within COMMIT, and ends its own session there.
  ask(options.connection, R"SQL(
      CREATE TABLE mark ();
      CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON mark
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang_up())SQL");
  Pool pool(options);
  int runs = 0;
  EXPECT_EQ(error_of([&] {
              pool.transact([&](pqxx::work& transaction, Connection&) {
                ++runs;
                transaction.exec("INSERT INTO mark DEFAULT VALUES");
              });
            }),
            ErrorCode::kUnavailable);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(one(pool), 1);
}

TEST(Pool, RunsATransactionAgainThatPostgresUndidInACollision) {
  const PostgresOptions options = options_for(fresh_database(shared_cluster()));
  Pool pool(options);
  for (const char* sqlstate : {"40001", "40P01"}) {
    int runs = 0;
    pool.transact([&](pqxx::work& transaction, Connection&) {
      if (++runs == 1) {
        transaction.exec(std::string("DO $$ BEGIN RAISE SQLSTATE '") + sqlstate + "'; END $$");
      }
    });
    EXPECT_EQ(runs, 2) << sqlstate;
    runs = 0;
    pool.run([&](Connection& connection) {
      pqxx::work transaction(connection.records());
      if (++runs == 1) {
        ask(options.connection, "SELECT 1");
        connection.execute(sqlstate[2] == '0' ? "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"
                                              : "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
                           {});
      }
    });
    EXPECT_EQ(runs, 2) << sqlstate;
  }
}

TEST(Pool, DoesNotRunAgainWhatFailedForAReasonOfItsOwn) {
  Pool pool(options_for(fresh_database(shared_cluster())));
  int runs = 0;
  EXPECT_EQ(error_of([&] {
              pool.transact([&](pqxx::work& transaction, Connection&) {
                ++runs;
                transaction.exec("SELECT nonsense");
              });
            }),
            ErrorCode::kInternal);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(one(pool), 1) << "the connection is as good as before";
}

TEST(Pool, TranslatesWhatTheServerSays) {
  const PostgresOptions options = options_for(fresh_database(shared_cluster()));
  Pool pool(options);
  const auto error_after = [&](const std::string& sqlstate) {
    return error_of([&] {
      pool.transact([&](pqxx::work& transaction, Connection&) {
        transaction.exec("DO $$ BEGIN RAISE SQLSTATE '" + sqlstate + "'; END $$");
      });
    });
  };
  EXPECT_EQ(error_after("23505"), ErrorCode::kConflict);
  EXPECT_EQ(error_after("53100"), ErrorCode::kStorageFull) << "disk full";
  EXPECT_EQ(error_after("55P03"), ErrorCode::kUnavailable) << "lock timeout";
  EXPECT_EQ(error_after("57014"), ErrorCode::kUnavailable) << "statement timeout";
  EXPECT_EQ(error_after("58030"), ErrorCode::kUnavailable) << "I/O error";
  EXPECT_EQ(error_after("XX001"), ErrorCode::kIntegrity) << "damaged page";
  EXPECT_EQ(error_after("42501"), ErrorCode::kConfiguration) << "not allowed";
  EXPECT_EQ(error_after("22012"), ErrorCode::kInternal);
}

TEST(Pool, ACommitIsSynchronousWhateverTheServersDefault) {
  const std::string connection = fresh_database(shared_cluster());
  for (const auto& [server, session] :
       {std::pair{"off", "on"}, {"local", "on"}, {"remote_apply", "remote_apply"}}) {
    const std::string options = "options='-c synchronous_commit=" + std::string(server) + "'";
    Pool pool(options_for(shared_cluster().connection() + ' ' + options));
    EXPECT_EQ(pool.read([](auto& snapshot) {
      return snapshot.exec1("SHOW synchronous_commit")[0].template as<std::string>();
    }),
              session);
  }
}

}  // namespace
}  // namespace letterbox::storage::testing
