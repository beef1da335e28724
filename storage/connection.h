// One connection to PostgreSQL, spoken to in two ways: records through libpqxx, ciphertext through
// libpq, because libpqxx 6 fetches bytea as hexadecimal text, at twice the size and several times
// the cost.
#pragma once

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"

namespace letterbox::storage {

/// Parameter of a statement in PostgreSQL's binary format. Bytes are viewed, not copied.
class Parameter {
 public:
  Parameter(ByteView bytes) noexcept : data_(bytes.data()), size_(bytes.size()) {}
  Parameter(const Uuid& uuid) noexcept : Parameter(ByteView(uuid.bytes())) {}
  /// As PostgreSQL's int4 (network order).
  Parameter(std::int32_t number) noexcept;
  /// A text, or NULL.
  Parameter(const std::optional<std::string>& text) noexcept;
  Parameter(const std::optional<Uuid>& uuid) noexcept;

  /// Null for NULL.
  const char* data() const noexcept;
  int size() const noexcept { return static_cast<int>(size_); }

 private:
  const Byte* data_ = nullptr;  ///< null: see number_
  std::size_t size_ = 0;
  bool is_null_ = false;
  std::array<Byte, 4> number_{};
};

/// An array as a parameter, in PostgreSQL's binary format. Must outlive its use.
class ArrayParameter {
 public:
  /// PostgreSQL's numbers for types (pg_type.dat), which never change.
  enum class Element : std::uint32_t { kBytea = 17, kInt8 = 20, kInt4 = 23, kUuid = 2950 };

  explicit ArrayParameter(Element element, std::size_t elements);
  void add(ByteView element);
  void add(const Uuid& uuid) { add(ByteView(uuid.bytes())); }
  void add(std::int32_t number);
  void add(std::int64_t number);

  operator Parameter() const noexcept { return Parameter(ByteView(bytes_)); }

 private:
  Bytes bytes_;
};

/// A result in binary format; the views that it gives live as long as it does.
class BinaryResult {
 public:
  explicit BinaryResult(PGresult* result) noexcept : result_(result) {}

  bool succeeded() const noexcept;
  const PGresult* raw() const noexcept { return result_.get(); }
  int rows() const noexcept { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const noexcept {
    return PQgetisnull(result_.get(), row, column) == 1;
  }
  ByteView bytes(int row, int column) const noexcept;
  std::string_view text(int row, int column) const noexcept { return as_text(bytes(row, column)); }
  /// Of a boolean.
  bool is_true(int row, int column) const noexcept {
    return *PQgetvalue(result_.get(), row, column) != 0;
  }
  /// Of an int8.
  std::uint64_t number(int row, int column) const;
  /// Throw Error kIntegrity if it has another length.
  Uuid uuid(int row, int column) const { return Uuid::from_bytes(array<16>(row, column)); }
  template <std::size_t N>
  std::array<Byte, N> array(int row, int column) const;
  /// How many rows an INSERT, UPDATE, DELETE or SELECT came to.
  std::size_t affected() const;

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

template <std::size_t N>
std::array<Byte, N> BinaryResult::array(int row, int column) const {
  const ByteView field = bytes(row, column);
  if (field.size() != N) {
    throw Error(ErrorCode::kIntegrity, "the database holds a value of the wrong length");
  }
  std::array<Byte, N> copy;
  std::copy(field.begin(), field.end(), copy.begin());
  return copy;
}

/// For execute_all.
struct Statement {
  const char* sql;  ///< one of few, each of which is prepared and stays so: a literal
  std::vector<Parameter> parameters;
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
  /// As with prepared(), `sql` is one of few, and a literal.
  BinaryResult execute(const char* sql, std::initializer_list<Parameter> parameters);
  /// All of them in one round trip, one after the other, with a result for each. Outside of
  /// records()'s transaction they are one of their own. The first that fails throws.
  std::vector<BinaryResult> execute_all(const std::vector<Statement>& statements);

  /// Between uses: not lost, and outside any transaction.
  bool fit_for_use();
  /// Whether the server hung up, whatever an error said. To be asked while no statement runs.
  bool lost();

 private:
  class Wire;
  class Silence;
  const char* prepare(const char* sql);
  [[noreturn]] void fail(const BinaryResult& failed, const char* sql);

  std::unique_ptr<Wire> wire_;
  std::unique_ptr<Silence> silence_;
  // The names of prepared statements, by their text: what libpqxx prepares, and what we do.
  std::map<std::string, std::string, std::less<>> names_;
  std::map<std::string_view, std::string> prepared_;
};

}  // namespace letterbox::storage
