#include "storage/pool.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "base/error.h"
#include "storage/postgres_error.h"

namespace letterbox::storage {

namespace {

using namespace std::chrono_literals;

constexpr auto kFirstPause = 20ms;
constexpr std::chrono::milliseconds kLongestPause = 500ms;

}  // namespace

Pool::Pool(const PostgresOptions& options)
    : conninfo_(options.connection),
      size_(std::max<std::size_t>(options.pool_size, 1)),
      patience_(options.patience_seconds) {
  idle_.reserve(size_);
}

ConnectionUse Pool::use() {
  const std::lock_guard lock(mutex_);
  return {.open = open_, .busy = open_ - idle_.size(), .most = size_};
}

void Pool::commit(pqxx::work& transaction, Connection& connection) {
  try {
    transaction.commit();
  } catch (const std::exception& error) {
    // libpqxx says so too, but only where libpq has noticed the loss already.
    if (connection.lost()) throw pqxx::in_doubt_error(error.what());
    throw;
  }
}

void Pool::attempt(const std::function<void(Connection&)>& work, Effort effort) {
  const Clock::time_point deadline = Clock::now() + patience_;
  for (std::chrono::milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    bool try_again = false;
    std::unique_ptr<Connection> connection;
    try {
      connection = take(deadline);
      work(*connection);
      give_back(std::move(connection));
      return;
    } catch (const Error&) {
      give_back(std::move(connection));
      throw;
    } catch (const std::exception& error) {
      // A server that shuts down says so in an error (57P01), or just hangs up: the connection's
      // state tells more than the error. Nothing is tried again after a doubtful COMMIT.
      const bool lost = connection == nullptr || connection->lost();
      const bool in_doubt = dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr;
      try_again = (lost || is_collision(error)) && !in_doubt && effort == Effort::kPatient &&
                  Clock::now() + pause < deadline;
      give_back(std::move(connection));
      if (!try_again && lost && !in_doubt) throw translate(pqxx::broken_connection(error.what()));
      if (!try_again) throw translate(error);
    }
    std::this_thread::sleep_for(pause);
  }
}

std::unique_ptr<Connection> Pool::take(Clock::time_point deadline) {
  {
    std::unique_lock lock(mutex_);
    const auto one_is_free = [this] { return !idle_.empty() || open_ < size_; };
    if (!freed_.wait_until(lock, deadline, one_is_free)) {
      throw Error(ErrorCode::kUnavailable, "all " + std::to_string(size_) +
                                               " connections to the database were busy for " +
                                               std::to_string(patience_.count()) + " s");
    }
    while (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->fit_for_use()) return connection;
      --open_;
    }
    ++open_;
  }
  try {
    return std::make_unique<Connection>(conninfo_, patience_);
  } catch (...) {
    forget_one();
    throw;
  }
}

void Pool::give_back(std::unique_ptr<Connection> connection) noexcept {
  if (connection == nullptr) return;
  if (!connection->fit_for_use()) {
    connection.reset();
    forget_one();
    return;
  }
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));  // never grows: reserved
  freed_.notify_one();
}

void Pool::forget_one() noexcept {
  const std::lock_guard lock(mutex_);
  --open_;
  freed_.notify_one();
}

}  // namespace letterbox::storage
