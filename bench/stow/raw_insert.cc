// The rate that PostgreSQL takes rows like the shelf's at, from a program that does nothing else.
//
//   raw_insert CONNINFO BYTES ROWS ROWS_A_TRANSACTION
//
// Rows of BYTES random bytes go into a table of their own, which is made anew, by libpq with
// binary parameters on one connection: one round trip a row. Transactions are synchronous. Prints
// the seconds that it took.
#include <libpq-fe.h>
#include <sys/random.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using Wire = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// payload_row (storage/migrations/0001_shelf.sql) without its foreign key.
constexpr const char* kTable = R"SQL(
  SET client_min_messages = warning;
  DROP TABLE IF EXISTS raw_row;
  CREATE TABLE raw_row (
    tenant_id   uuid  NOT NULL,
    payload_id  uuid  NOT NULL,
    row_no      int   NOT NULL,
    content     bytea NOT NULL,
    PRIMARY KEY (tenant_id, payload_id, row_no));
  ALTER TABLE raw_row ALTER COLUMN content SET STORAGE EXTERNAL)SQL";

constexpr const char* kInsert = R"SQL(
  INSERT INTO raw_row (tenant_id, payload_id, row_no, content) VALUES ($1, $2, $3, $4))SQL";

void require_done(const Wire& wire, PGresult* raw) {
  const Result result(raw, PQclear);
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
    throw std::runtime_error(PQerrorMessage(wire.get()));
  }
}

void execute(const Wire& wire, const char* sql) {
  require_done(wire, PQexec(wire.get(), sql));
}

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = getrandom(bytes.data() + at, size - at, 0);
    if (got < 0) throw std::runtime_error("no random bytes");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

double seconds_for(const Wire& wire, std::size_t size, std::size_t rows, std::size_t at_once) {
  const std::string content = random_bytes(size);
  const std::string tenant = random_bytes(16);
  std::string payload = random_bytes(16);
  std::string number(4, '\0');
  const std::array<const char*, 4> values{tenant.data(), payload.data(), number.data(),
                                          content.data()};
  const std::array<int, 4> lengths{16, 16, 4, static_cast<int>(size)};
  const std::array<int, 4> binary{1, 1, 1, 1};

  const auto start = std::chrono::steady_clock::now();
  for (std::size_t row = 0; row < rows; ++row) {
    if (at_once > 1 && row % at_once == 0) execute(wire, "BEGIN");
    for (std::size_t i = 0; i < number.size(); ++i) {
      number[i] = static_cast<char>((row >> (24 - 8 * i)) & 0xff);
    }
    require_done(wire, PQexecPrepared(wire.get(), "insert", 4, values.data(), lengths.data(),
                                      binary.data(), 1));
    if (at_once > 1 && (row % at_once == at_once - 1 || row == rows - 1)) execute(wire, "COMMIT");
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    const Wire wire(PQconnectdb(argv[1]), PQfinish);
    if (PQstatus(wire.get()) != CONNECTION_OK) {
      throw std::runtime_error(PQerrorMessage(wire.get()));
    }
    execute(wire, kTable);
    require_done(wire, PQprepare(wire.get(), "insert", kInsert, 4, nullptr));
    execute(wire, "CHECKPOINT");
    std::printf("seconds %.3f\n",
                seconds_for(wire, std::stoul(argv[2]), std::stoul(argv[3]), std::stoul(argv[4])));
    return 0;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "raw_insert: %s\n", error.what());
    return 1;
  }
}
