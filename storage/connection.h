// One connection to PostgreSQL, spoken to in two ways: records through libpqxx, ciphertext through
// libpq, because libpqxx 6 fetches bytea as hexadecimal text, at twice the size and several times
// the cost.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "base/bytes.h"
#include "base/uuid.h"

namespace letterbox::storage {

/// Parameter of a statement in PostgreSQL's binary format. Bytes are viewed, not copied.
class Parameter {
 public:
  Parameter(ByteView bytes) noexcept : data_(bytes.data()), size_(bytes.size()) {}
  Parameter(const Uuid& uuid) noexcept : Parameter(ByteView(uuid.bytes())) {}
  /// As PostgreSQL's int4 (network order).
  Parameter(std::int32_t number) noexcept;

  const char* data() const noexcept;
  int size() const noexcept { return static_cast<int>(size_); }

 private:
  const Byte* data_ = nullptr;  ///< null: see number_
  std::size_t size_;
  std::array<Byte, 4> number_{};
};

/// A result in binary format; the views that it gives live as long as it does.
class BinaryResult {
 public:
  explicit BinaryResult(PGresult* result) noexcept : result_(result) {}

  int rows() const noexcept { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const noexcept {
    return PQgetisnull(result_.get(), row, column) == 1;
  }
  ByteView bytes(int row, int column) const noexcept;
  /// Of an int8.
  std::uint64_t number(int row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// Errors from here are libpqxx's: broken_connection, sql_error with its SQLSTATE.
class Connection {
 public:
  /// Connects and sets up the session. `patience` bounds connecting and waiting for locks. Throws
  /// pqxx::broken_connection.
  Connection(const std::string& conninfo, std::chrono::seconds patience);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  pqxx::connection_base& records() noexcept;
  /// The name under which `sql` is prepared here, for libpqxx's exec_prepared. What is prepared
  /// stays so, so `sql` must be one of few.
  const std::string& prepared(const std::string& sql);
  /// One statement, parameters and result binary; inside records()'s transaction if there is one.
  BinaryResult execute(const char* sql, std::initializer_list<Parameter> parameters);

  /// Between uses: not lost, and outside any transaction.
  bool fit_for_use();
  /// Whether the server hung up, whatever an error said. To be asked while no statement runs.
  bool lost();

 private:
  class Wire;
  class Silence;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<Silence> silence_;
  std::map<std::string, std::string, std::less<>> names_;  // of what libpqxx prepares, by its text
};

}  // namespace letterbox::storage
