// Who writes which upload: session locks of PostgreSQL, all on one connection, which end with the
// process that has it, however it ends.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/uuid.h"
#include "storage/connection.h"
#include "storage/store.h"

namespace letterbox::storage {

/// A lost connection loses all holds at once, unnoticed: whoever holds one must find out by itself
/// whether it still writes alone. Thread-safe.
class UploadLocks {
 public:
  /// Connects to nothing yet.
  explicit UploadLocks(const PostgresOptions& options);

  /// Whether `upload` is the caller's now, until release(). Throws Error kUnavailable.
  bool try_hold(const Uuid& upload);
  void release(const Uuid& upload) noexcept;

 private:
  Connection& connected();

  const std::string conninfo_;
  const std::chrono::seconds patience_;
  std::mutex mutex_;
  std::set<Uuid> held_;  // by this process
  std::unique_ptr<Connection> connection_;
};

}  // namespace letterbox::storage
