#include "tests/storage/database.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace letterbox::storage::testing {

namespace fs = std::filesystem;

namespace {

// In memory where there is plenty: no test cuts the power, and waiting for a busy disk takes
// minutes.
fs::path roomy_place() {
  constexpr std::uintmax_t kPlenty = std::uintmax_t{8} << 30;
  const fs::path memory = "/dev/shm";
  std::error_code ignored;
  const fs::space_info space = fs::space(memory, ignored);
  return !ignored && space.available > kPlenty ? memory : fs::temp_directory_path();
}

struct Scratch {
  Scratch() {
    std::string name = (roomy_place() / "lbXXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

std::unique_ptr<PrivateCluster>& shared() {
  static std::unique_ptr<PrivateCluster> cluster;
  return cluster;
}

}  // namespace

const fs::path& scratch() {
  static const Scratch kScratch;
  return kScratch.path;
}

fs::path fresh_path(const std::string& name) {
  static int count = 0;
  return scratch() / (name + std::to_string(++count));
}

PrivateCluster& shared_cluster() {
  if (!shared()) shared() = PrivateCluster::start(fresh_path("shared"));
  return *shared();
}

void stop_shared_cluster() {
  shared().reset();
}

std::string fresh_database(const PrivateCluster& server) {
  static int count = 0;
  const std::string schema = "test_" + std::to_string(++count);
  ask(server.connection(), "CREATE SCHEMA " + schema);
  return server.connection() + " options='-c search_path=" + schema +
         "' application_name=" + schema;
}

PostgresOptions options_for(const std::string& connection) {
  return {.connection = connection, .pool_size = 4, .patience_seconds = 20, .instance = Uuid::v7()};
}

std::string ask(const std::string& connection, const std::string& sql) {
  pqxx::connection bystander(connection);
  pqxx::nontransaction session(bystander);
  const pqxx::result answer = session.exec(sql);
  if (answer.empty() || answer[0].empty() || answer[0][0].is_null()) return "";
  return answer[0][0].as<std::string>();
}

pid_t postmaster_of(const fs::path& cluster) {
  pid_t pid = 0;
  std::ifstream(cluster / "data/postmaster.pid") >> pid;
  return pid;
}

}  // namespace letterbox::storage::testing
