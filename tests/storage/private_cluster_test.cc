#include "storage/private_cluster.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "storage/postmaster.h"
#include "tests/storage/child.h"
#include "tests/storage/database.h"
#include "tests/storage/sample.h"

namespace letterbox::storage::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One directory for those that don't mind what an earlier test left in it: initdb takes its time.
const fs::path& used_directory() {
  static const fs::path kDirectory = fresh_path("used");
  return kDirectory;
}

std::string fresh_table() {
  static int count = 0;
  return "mark_" + std::to_string(++count);
}

TEST(PrivateCluster, KeepsItsDataFromOneRunToTheNext) {
  const fs::path directory = fresh_path("keep") / "made" / "too";
  std::string connection;
  {
    const auto cluster = PrivateCluster::start(directory);
    connection = cluster->connection();
    ask(connection, "CREATE TABLE mark ()");
  }
  EXPECT_EQ(postmaster_of(directory), 0) << "stopped with the object";
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_EQ(cluster->connection(), connection);
  EXPECT_EQ(ask(connection, "SELECT count(*) FROM mark"), "0");
}

TEST(PrivateCluster, IsReachedByItsOwnUserOnAUnixSocketAlone) {
  const fs::path directory = fresh_path("socket");
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_EQ(ask(cluster->connection(), "SHOW listen_addresses"), "");
  EXPECT_EQ(mode_of(directory), 0700u);
  EXPECT_EQ(mode_of(directory / "run"), 0700u);
  EXPECT_EQ(mode_of(directory / "data"), 0700u);
  EXPECT_EQ(mode_of(directory / "postgresql.log"), 0600u);
  EXPECT_EQ(ask(cluster->connection(),
                "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules"
                " WHERE type = 'local'"),
            "peer");
  EXPECT_EQ(
      ask(cluster->connection(), "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL"),
      "0");
}

TEST(PrivateCluster, IsDurableAndHasChecksums) {
  const std::string connection = shared_cluster().connection();
  EXPECT_EQ(ask(connection, "SHOW data_checksums"), "on");
  EXPECT_EQ(ask(connection, "SHOW fsync"), "on");
  EXPECT_EQ(ask(connection, "SHOW synchronous_commit"), "on");
  EXPECT_EQ(ask(connection, "SHOW server_encoding"), "UTF8");
  EXPECT_EQ(ask(connection, "SHOW lc_collate"), "C.UTF-8");
}

TEST(PrivateCluster, WritesNoParameterAndNoRowIntoItsLog) {
  const fs::path& directory = used_directory();
  const auto cluster = PrivateCluster::start(directory);
  pqxx::connection connection(cluster->connection());
  pqxx::nontransaction session(connection);
  session.exec("CREATE TABLE narrow (content text CHECK (length(content) < 3))");
  const std::string marker = "marker-of-content";
  EXPECT_THROW(session.exec_params("INSERT INTO narrow VALUES ($1)", marker), pqxx::sql_error);
  EXPECT_THROW(session.exec_params("SELECT $1::int", marker), pqxx::sql_error);
  EXPECT_THROW(session.exec("INSERT INTO narrow VALUES ('" + marker + "')"), pqxx::sql_error);
  const std::string log = text_of(directory / "postgresql.log");
  EXPECT_NE(log.find("violates check constraint"), std::string::npos) << log;
  EXPECT_EQ(log.find("INSERT"), std::string::npos) << log;
  // "invalid input syntax" quotes the value in its one line; our statements pass bytes and ids.
  EXPECT_EQ(log.find("Failing row"), std::string::npos) << log;
}

TEST(PrivateCluster, TwoRunSideBySide) {
  const auto one = PrivateCluster::start(fresh_path("one"));
  const auto other = PrivateCluster::start(fresh_path("other"));
  ask(one->connection(), "CREATE TABLE mark ()");
  EXPECT_EQ(ask(other->connection(), "SELECT to_regclass('mark') IS NULL"), "t");
}

TEST(PrivateCluster, TakesAPathWithSpacesQuotesAndBackslashes) {
  const auto cluster = PrivateCluster::start(fresh_path(R"(a "b" 'c' \d)"));
  EXPECT_EQ(ask(cluster->connection(), "SELECT 1"), "1");
}

TEST(PrivateCluster, ASecondOneOnItsDirectoryIsRefused) {
  const fs::path& directory = used_directory();
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_EQ(error_of([&] { PrivateCluster::start(directory); }), ErrorCode::kConfiguration);
  EXPECT_EQ(ask(cluster->connection(), "SELECT 1"), "1");
}

TEST(PrivateCluster, EndsWithAProgramThatIsKilledAndStartsAgain) {
  const fs::path& directory = used_directory();
  Child program({"--serve", directory.string()});
  const pid_t server = postmaster_of(directory);
  ASSERT_GT(server, 0);
  program.kill_at_once();
  EXPECT_TRUE(wait_for_end(server, 60s)) << "nobody told it to end";
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_EQ(ask(cluster->connection(), "SELECT 1"), "1");
}

TEST(PrivateCluster, TakesOverFromAServerThatIsStillOnItsWayDown) {
  const fs::path& directory = used_directory();
  Child program({"--serve", directory.string()});
  program.kill_at_once();
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_EQ(ask(cluster->connection(), "SELECT 1"), "1");
}

TEST(PrivateCluster, TakesOverFromAServerThatNobodyEnds) {
  const fs::path& directory = used_directory();
  PrivateCluster::start(directory);
  std::string programs;
  {
    std::ifstream version(directory / "data/PG_VERSION");
    std::string major;
    version >> major;
    programs = "/usr/lib/postgresql/" + major + "/bin/";
  }
  // It is a child of this thread, so it would end with this program, and no earlier.
  const pid_t stranger =
      spawn(programs + "postgres",
            {"-D", (directory / "data").string(), "-c", "listen_addresses=", "-c",
             "unix_socket_directories=" + (directory / "run").string()},
            directory / "stranger.log");
  std::unique_ptr<PrivateCluster> joined;
  while (!joined && !wait_for_end(stranger, 10ms)) joined = PrivateCluster::join(directory);
  ASSERT_TRUE(joined) << text_of(directory / "stranger.log");
  const std::string mark = fresh_table();
  ask(joined->connection(), "CREATE TABLE " + mark + " ()");

  const auto cluster = PrivateCluster::start(directory);
  EXPECT_NE(postmaster_of(directory), stranger);
  EXPECT_EQ(ask(cluster->connection(), "SELECT count(*) FROM " + mark), "0");
}

TEST(PrivateCluster, StartsAfterItsServerWasKilledAtOnce) {
  const fs::path& directory = used_directory();
  const std::string mark = fresh_table();
  {
    const auto cluster = PrivateCluster::start(directory);
    ask(cluster->connection(), "CREATE TABLE " + mark + " ()");
    kill(postmaster_of(directory), SIGKILL);
  }
  const auto cluster = PrivateCluster::start(directory);
  EXPECT_EQ(ask(cluster->connection(), "SELECT count(*) FROM " + mark), "0");
}

TEST(PrivateCluster, IsNotMisledByALockFileWhosePidIsSomebodyElse) {
  const fs::path& directory = used_directory();
  PrivateCluster::start(directory);
  // As in a container, where pids are few: a crashed server's pid is now another process's.
  Child bystander({"--wait"});
  std::ofstream(directory / "data/postmaster.pid")
      << bystander.pid() << "\n"
      << (directory / "data").string() << "\n0\n5432\n";
  std::ofstream(directory / "run/.s.PGSQL.5432.lock") << bystander.pid() << "\n";
  EXPECT_FALSE(PrivateCluster::join(directory));
  EXPECT_EQ(ask(PrivateCluster::start(directory)->connection(), "SELECT 1"), "1");
  EXPECT_EQ(kill(bystander.pid(), 0), 0) << "and left in peace";
}

TEST(PrivateCluster, AnInterruptedInitdbIsBegunAgain) {
  const fs::path directory = fresh_path("unfinished");
  fs::create_directories(directory / "data.unfinished/base");
  std::ofstream(directory / "data.unfinished/PG_VERSION") << "15\n";
  EXPECT_EQ(ask(PrivateCluster::start(directory)->connection(), "SELECT 1"), "1");
}

TEST(PrivateCluster, IsJoinedWhileItRuns) {
  const fs::path& directory = used_directory();
  EXPECT_FALSE(PrivateCluster::join(directory));
  {
    const auto cluster = PrivateCluster::start(directory);
    {
      const auto joined = PrivateCluster::join(directory);
      ASSERT_TRUE(joined);
      EXPECT_EQ(joined->connection(), cluster->connection());
      EXPECT_EQ(ask(joined->connection(), "SELECT 1"), "1");
    }
    EXPECT_EQ(ask(cluster->connection(), "SELECT 1"), "1") << "leaving ends nothing";
  }
  EXPECT_FALSE(PrivateCluster::join(directory));
}

TEST(PrivateCluster, RefusesADirectoryThatItCannotWrite) {
  const fs::path parent = fresh_path("readonly");
  fs::create_directory(parent);
  fs::permissions(parent, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(error_of([&] { PrivateCluster::start(parent); }), ErrorCode::kFile);
  EXPECT_EQ(error_of([&] { PrivateCluster::start(parent / "below"); }), ErrorCode::kFile);
  EXPECT_EQ(error_of([&] { PrivateCluster::start(parent / "far/below"); }), ErrorCode::kFile);
  fs::permissions(parent, fs::perms::owner_all);
}

TEST(PrivateCluster, RefusesAnotherUsersDirectoryAndAFile) {
  EXPECT_EQ(error_of([] { PrivateCluster::start("/usr"); }), ErrorCode::kFile);
  const fs::path file = fresh_path("file");
  std::ofstream(file) << "not a directory";
  EXPECT_EQ(error_of([&] { PrivateCluster::start(file); }), ErrorCode::kFile);
}

TEST(PrivateCluster, RefusesAPathTooLongForASocket) {
  const fs::path directory = fresh_path("long") / std::string(100, 'x');
  EXPECT_EQ(error_of([&] { PrivateCluster::start(directory); }), ErrorCode::kConfiguration);
  EXPECT_FALSE(fs::exists(directory));
}

TEST(PrivateCluster, RefusesAPathWithAComma) {
  EXPECT_EQ(error_of([] { PrivateCluster::start(fresh_path("a,b")); }), ErrorCode::kConfiguration);
}

TEST(PrivateCluster, RefusesDataOfAnotherMajorVersion) {
  const fs::path directory = fresh_path("old");
  fs::create_directories(directory / "data");
  for (const char* version : {"9", "9.6", "x", ""}) {
    std::ofstream(directory / "data/PG_VERSION") << version << "\n";
    EXPECT_EQ(error_of([&] { PrivateCluster::start(directory); }), ErrorCode::kConfiguration)
        << version;
  }
}

TEST(PrivateCluster, ThatDoesNotComeUpSaysWhereToLook) {
  const fs::path& directory = used_directory();
  PrivateCluster::start(directory);
  const fs::path configuration = directory / "data/postgresql.conf";
  const std::string good = text_of(configuration);
  std::ofstream(configuration) << "nonsense = 1\n";
  try {
    PrivateCluster::start(directory);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_NE(std::string(error.what()).find((directory / "postgresql.log").string()),
              std::string::npos);
  }
  std::ofstream(configuration) << good;
}

}  // namespace
}  // namespace letterbox::storage::testing
