#include "storage/upload_locks.h"

#include <utility>

#include "base/error.h"
#include "storage/postgres_error.h"

namespace letterbox::storage {

namespace {

// The random half of the id. Its first bit is set (RFC 9562, the variant), so the number is
// negative and no other lock of ours.
std::int64_t key_of(const Uuid& upload) {
  std::uint64_t key = 0;
  for (const Byte byte : upload.bytes().last<8>()) key = (key << 8) | byte;
  return static_cast<std::int64_t>(key);
}

bool ask(Connection& connection, const char* sql, const Uuid& upload) {
  pqxx::nontransaction session(connection.records());
  return session.exec_params1(sql, key_of(upload))[0].as<bool>();
}

}  // namespace

UploadLocks::UploadLocks(const PostgresOptions& options)
    : conninfo_(options.connection), patience_(options.patience_seconds) {}

Connection& UploadLocks::connected() {
  if (connection_ != nullptr && !connection_->fit_for_use()) connection_.reset();
  if (connection_ == nullptr) {
    auto fresh = std::make_unique<Connection>(conninfo_, patience_);
    // A host that is gone says no farewell, and the server must notice. On a Unix socket this
    // means nothing. And this session is often idle.
    pqxx::nontransaction(fresh->records())
        .exec(
            "SELECT set_config('tcp_keepalives_idle', '10', false),"
            "       set_config('tcp_keepalives_interval', '5', false),"
            "       set_config('tcp_keepalives_count', '3', false),"
            "       set_config('idle_session_timeout', '0', false)");
    connection_ = std::move(fresh);
  }
  return *connection_;
}

bool UploadLocks::try_hold(const Uuid& upload) {
  const std::lock_guard lock(mutex_);
  // PostgreSQL gives a session the same lock twice.
  if (held_.contains(upload)) return false;
  try {
    if (!ask(connected(), "SELECT pg_try_advisory_lock($1)", upload)) return false;
  } catch (const std::exception& error) {
    connection_.reset();
    throw translate(error);
  }
  held_.insert(upload);
  return true;
}

void UploadLocks::release(const Uuid& upload) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    held_.erase(upload);
    if (connection_ == nullptr) return;
    try {
      ask(*connection_, "SELECT pg_advisory_unlock($1)", upload);
    } catch (const std::exception&) {
      connection_.reset();
    }
  } catch (...) {
    // A mutex that fails; nothing is held without it.
  }
}

}  // namespace letterbox::storage
