// The connections to PostgreSQL: few, shared, and replaced when they break.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/connection.h"
#include "storage/store.h"

namespace letterbox::storage {

/// Thread-safe.
class Pool {
 public:
  /// How long a call keeps trying when the server is away.
  enum class Effort : std::uint8_t {
    kPatient,  ///< until the patience is used up
    kOnce,     ///< not at all; still waits for a free connection
  };

  /// Connects to nothing yet.
  explicit Pool(const PostgresOptions& options);

  /// Runs `work(connection)` and returns what it returns. It runs again, on another connection,
  /// when the connection was lost (a server restart) or PostgreSQL undid its transaction
  /// (40001, 40P01), until the patience is used up. So `work` must be a transaction, or a
  /// statement that may run twice, and change nothing of ours on the way. It does *not* run again
  /// when the connection was lost during a COMMIT, whose outcome nobody knows.
  /// Throws what `work` throws, pqxx's errors translated; Error kUnavailable.
  template <typename Work>
  auto run(Work&& work, Effort effort = Effort::kPatient) {
    using Result = std::invoke_result_t<Work&, Connection&>;
    if constexpr (std::is_void_v<Result>) {
      attempt(work, effort);
    } else {
      std::optional<Result> result;
      attempt([&](Connection& connection) { result.emplace(work(connection)); }, effort);
      return std::move(*result);
    }
  }

  ConnectionUse use();

  /// `work(transaction, connection)` in a transaction, which is committed: durable when this
  /// returns.
  template <typename Work>
  auto transact(Work&& work, Effort effort = Effort::kPatient) {
    const auto whole = [&](Connection& connection) {
      pqxx::work transaction(connection.records());
      if constexpr (std::is_void_v<std::invoke_result_t<Work&, pqxx::work&, Connection&>>) {
        work(transaction, connection);
        commit(transaction, connection);
      } else {
        auto result = work(transaction, connection);
        commit(transaction, connection);
        return result;
      }
    };
    return run(whole, effort);
  }

  /// What one of few statements reads. It is a snapshot by itself, so it takes one round trip; and
  /// it is parsed and planned once a connection, which costs more than most of them do.
  template <typename... Parameters>
  pqxx::result ask(const std::string& sql, const Parameters&... parameters) {
    return run([&](Connection& connection) {
      pqxx::nontransaction session(connection.records());
      return session.exec_prepared(connection.prepared(sql), parameters...);
    });
  }

  /// `work(transaction)` on one snapshot, so that what several statements read fits together.
  template <typename Work>
  auto read(Work&& work) {
    return run([&](Connection& connection) {
      pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> snapshot(connection.records());
      return work(snapshot);
    });
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Throws pqxx::in_doubt_error if the connection was lost meanwhile.
  static void commit(pqxx::work& transaction, Connection& connection);
  void attempt(const std::function<void(Connection&)>& work, Effort effort);
  std::unique_ptr<Connection> take(Clock::time_point deadline);
  void give_back(std::unique_ptr<Connection> connection) noexcept;
  void forget_one() noexcept;

  const std::string conninfo_;
  const std::size_t size_;
  const std::chrono::seconds patience_;

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the last used last: it is the warmest
  std::size_t open_ = 0;                           // idle and lent
};

}  // namespace letterbox::storage
