// How fast the shelf is, beside a plain file on the same disk.
//
//   store_bench DIRECTORY [MEBIBYTES [FILES]]
//
// Runs a private cluster in DIRECTORY/cluster; bench/store/run calls it. Sealing happens before the
// clock starts. Ratios hold from one machine to the next, absolute figures don't.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "crypto/stream.h"
#include "storage/private_cluster.h"
#include "storage/store.h"

namespace letterbox {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The rows of a file of `size` bytes, sealed.
std::vector<Ciphertext> rows_of(std::size_t size) {
  const Bytes plain(size);
  ViewSource source(plain);
  const crypto::FileKey key = crypto::random_file_key();
  crypto::Sealer sealer(key, crypto::payload_nonce(key, Uuid::v7()), source);
  std::vector<Ciphertext> rows;
  while (auto row = sealer.next()) rows.push_back(std::move(*row));
  return rows;
}

std::uint64_t length_of(const std::vector<Ciphertext>& rows) {
  std::uint64_t length = 16;
  for (const Ciphertext& row : rows) length += row.size();
  return length;
}

// Who delivers.
struct Sender {
  storage::TenantId tenant;
  Uuid principal;
};

Uuid deliver(storage::Store& store, const Sender& sender, const std::vector<Ciphertext>& rows) {
  const storage::AuditEvent event{.kind = storage::AuditKind::kDeposit,
                                  .principal = sender.principal};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const storage::NewDelivery delivery{
      Uuid::v7(),   sender.principal, true, std::string(800, 'c'), now, now + std::chrono::hours(1),
      {"age1bench"}};
  const storage::FileRecord file{Uuid::v7(), delivery.id, Bytes(300), {}, length_of(rows), {}};
  const auto writer = store.blobs().begin(sender.tenant, file.id);
  for (const Ciphertext& row : rows) writer->append(row);
  writer->commit_as_delivery(file, nullptr, delivery, std::string(800, 'm'), event);
  return file.id;
}

double time_plain_file(const std::filesystem::path& path, const std::vector<Ciphertext>& rows) {
  const auto start = Clock::now();
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) throw Error(ErrorCode::kFile, "can't write " + path.string());
  for (const Ciphertext& row : rows) {
    if (write(file, row.view().data(), row.size()) != static_cast<ssize_t>(row.size())) {
      throw Error(ErrorCode::kFile, "can't write " + path.string());
    }
  }
  fdatasync(file);
  close(file);
  return seconds_since(start);
}

double time_many(storage::Store& store, const Sender& sender, std::size_t size, int files,
                 int threads) {
  const std::vector<Ciphertext> rows = rows_of(size);
  const auto start = Clock::now();
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (int i = 0; i < files / threads; ++i) deliver(store, sender, rows);
    });
  }
  for (std::thread& worker : workers) worker.join();
  return seconds_since(start);
}

int run(int count, char** words) {
  if (count < 2) {
    std::fputs("usage: store_bench DIRECTORY [MEBIBYTES [FILES]]\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = words[1];
  const std::size_t mebibytes = count > 2 ? std::stoul(words[2]) : 1024;
  const int files = count > 3 ? std::stoi(words[3]) : 1000;
  const auto cluster = storage::PrivateCluster::start(directory / "cluster");
  const auto store =
      storage::open_postgres({.connection = cluster->connection(), .instance = Uuid::v7()});

  const storage::TenantId tenant = store->tenants().make("bench");
  const Sender sender{tenant, store->principals()
                                  .make(tenant, "sender@bench", storage::PrincipalKind::kMachine,
                                        {.kind = storage::AuditKind::kAdministration})
                                  .id};

  const std::vector<Ciphertext> rows = rows_of(mebibytes << 20);
  const double size = static_cast<double>(length_of(rows)) / 1e6;
  for (int round = 1; round <= 3; ++round) {
    const double plain = time_plain_file(directory / "plain", rows);
    auto start = Clock::now();
    const Uuid id = deliver(*store, sender, rows);
    const double write = seconds_since(start);
    start = Clock::now();
    const auto source = store->blobs().read(sender.tenant, id, 0);
    while (!source->next().empty()) continue;
    const double read = seconds_since(start);
    std::printf(
        "%.0f MB, round %d: plain file %.0f MB/s, store %.0f MB/s (%.2f of it), read %.0f MB/s\n",
        size, round, size / plain, size / write, plain / write, size / read);
  }
  for (const int threads : {1, 4}) {
    for (const std::size_t kibibytes : {4, 512}) {
      const double taken = time_many(*store, sender, kibibytes << 10, files, threads);
      std::printf("%d deliveries of one file of %zu KiB, %d at a time: %.0f/s\n", files, kibibytes,
                  threads, files / taken);
    }
  }
  return 0;
}

}  // namespace
}  // namespace letterbox

int main(int count, char** words) {
  try {
    return letterbox::run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "store_bench: %s\n", error.what());
    return 1;
  }
}
