// What it costs to take in studies, beside the bare INSERT of the same rows.
//
//   request_bench DIRECTORY [ROUNDS]
//
// Runs a private cluster in DIRECTORY/cluster; bench/store/run calls it. One connection each.
// Sealing happens before the clock starts. Rounds take turns, and the ratio is that of their
// medians; it holds from one machine to the next, absolute figures don't.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/stream.h"
#include "storage/private_cluster.h"
#include "storage/store.h"

namespace letterbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSlice = std::size_t{512} * 1024;
constexpr std::size_t kIndex = 6000;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The one row of a file of `size` bytes, sealed.
Ciphertext row_of(std::size_t size) {
  const Bytes plain(size);
  ViewSource source(plain);
  const crypto::FileKey key = crypto::random_file_key();
  crypto::Sealer sealer(key, crypto::payload_nonce(key, Uuid::v7()), source);
  return sealer.next().value();
}

// --- The bare INSERT ----------------------------------------------------------------------------

class Bare {
 public:
  explicit Bare(const std::string& connection) : wire_(PQconnectdb(connection.c_str()), PQfinish) {
    run("CREATE TABLE IF NOT EXISTS bare (tenant_id uuid, payload_id uuid, row_no int,"
        " content bytea NOT NULL, PRIMARY KEY (tenant_id, payload_id, row_no))");
    run("ALTER TABLE bare ALTER COLUMN content SET STORAGE EXTERNAL");
    check(PQprepare(wire_.get(), "add", "INSERT INTO bare VALUES ($1, $2, $3, $4)", 0, nullptr));
  }

  void insert(const Ciphertext& row, std::size_t count) {
    run("BEGIN");
    const Uuid tenant = Uuid::v7();
    for (std::size_t i = 0; i < count; ++i) {
      const Uuid id = Uuid::v7();
      const std::array<char, 4> number{};
      const auto* const content = reinterpret_cast<const char*>(row.view().data());
      const char* const values[] = {text(tenant), text(id), number.data(), content};
      const int lengths[] = {16, 16, 4, static_cast<int>(row.size())};
      const int formats[] = {1, 1, 1, 1};
      check(PQexecPrepared(wire_.get(), "add", 4, values, lengths, formats, 1));
    }
    run("COMMIT");
  }
  void empty() { run("TRUNCATE bare"); }

 private:
  static const char* text(const Uuid& uuid) {
    return reinterpret_cast<const char*>(uuid.bytes().data());
  }
  void run(const char* sql) { check(PQexec(wire_.get(), sql)); }
  void check(PGresult* result) {
    const bool done = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (!done) throw Error(ErrorCode::kUnavailable, PQerrorMessage(wire_.get()));
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> wire_;
};

// --- The shelf ----------------------------------------------------------------------------------

class Pacs {
 public:
  explicit Pacs(storage::Store& store)
      : store_(store),
        tenant_(store.tenants().make("bench")),
        sender_(store.principals()
                    .make(tenant_, "pacs@bench", storage::PrincipalKind::kMachine,
                          {.kind = storage::AuditKind::kAdministration})
                    .id) {}

  void begin_study() { study_ = some_mac(); }

  // A request of so many slices, judged and stored as the gateway does it.
  void send(std::vector<Ciphertext> rows, const Ciphertext& index) {
    const auto request = store_.studies().begin(tenant_);
    storage::StudyCommit commit{study_, {}, {}};
    std::vector<storage::Mac> instances;
    for (Ciphertext& row : rows) {
      const Uuid id = Uuid::v7();
      request->begin_file(id);
      request->append(std::move(row));
      request->end_file({}, {}, {{}, index, {}});
      commit.files.push_back({id, Bytes(500), Bytes(500), some_mac(), some_mac()});
      instances.push_back(commit.files.back().instance);
    }
    if (!store_.studies().find(tenant_, instances).empty()) throw unexpected();
    if (const auto open = store_.studies().find_open(tenant_, study_)) {
      commit.into = open->delivery;
      else {
        commit.into = opened();
      }
      const storage::AuditEvent event{.kind = storage::AuditKind::kDeposit, .principal = sender_};
      if (request->commit({commit}, event) != storage::CommitOutcome::kDone) throw unexpected();
    }

   private:
    static Error unexpected() {
      return {ErrorCode::kInternal, "somebody else is here"};
    }

    static storage::Mac some_mac() {
      storage::Mac mac;
      for (std::size_t i = 0; i < mac.size(); i += 16) {
        const Uuid random = Uuid::v7();
        std::copy(random.bytes().rbegin(), random.bytes().rend(),
                  mac.begin() + static_cast<std::ptrdiff_t>(i));
      }
      return mac;
    }

    storage::NewStudy opened() const {
      const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
      return {{Uuid::v7(),
               sender_,
               true,
               std::string(1500, 'c'),
               now,
               now + std::chrono::hours(1),
               {"age1one", "age1two", "age1three"}},
              "ward",
              std::chrono::seconds(60)};
    }

    storage::Store& store_;
    const storage::TenantId tenant_;
    const Uuid sender_;
    storage::Mac study_{};
  };

  template <typename Work>
  double time_of(Work&& work) {
    const auto start = Clock::now();
    work();
    return seconds_since(start);
  }

  double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  int run(int count, char** words) {
    if (count < 2) {
      std::fputs("usage: request_bench DIRECTORY [ROUNDS]\n", stderr);
      return 2;
    }
    const std::filesystem::path directory = words[1];
    const int rounds = count > 2 ? std::stoi(words[2]) : 7;
    const auto cluster = storage::PrivateCluster::start(directory / "cluster");
    const auto store =
        storage::open_postgres({.connection = cluster->connection(), .instance = Uuid::v7()});
    Bare bare(cluster->connection());
    Pacs pacs(*store);
    const Ciphertext slice = row_of(kSlice);
    const Ciphertext index = row_of(kIndex);

    constexpr std::size_t kSlices = 300;
    for (const std::size_t each : {std::size_t{1}, std::size_t{10}, kSlices}) {
      std::vector<double> by_insert;
      std::vector<double> by_request;
      for (int round = 0; round < rounds; ++round) {
        bare.empty();
        by_insert.push_back(time_of([&] {
          for (std::size_t sent = 0; sent < kSlices; sent += each) bare.insert(slice, each);
        }));
        pacs.begin_study();
        std::vector<std::vector<Ciphertext>> requests(kSlices / each,
                                                      std::vector<Ciphertext>(each, slice));
        by_request.push_back(time_of([&] {
          for (auto& rows : requests) pacs.send(std::move(rows), index);
        }));
      }
      const double plain = kSlices / median(by_insert);
      const double ours = kSlices / median(by_request);
      std::printf(
          "%zu slices of 512 KiB, %zu in a transaction: INSERT %.0f/s, requests %.0f/s, ratio "
          "%.2f\n",
          kSlices, each, plain, ours, ours / plain);
      std::fflush(stdout);
    }
    return 0;
  }

}  // namespace
}  // namespace letterbox

int main(int count, char** words) {
  try {
    return letterbox::run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "request_bench: %s\n", error.what());
    return 1;
  }
}
