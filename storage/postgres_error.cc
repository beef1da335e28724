#include "storage/postgres_error.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <string>

namespace letterbox::storage {

namespace {

// PostgreSQL, Appendix A: the class is the SQLSTATE's first two characters.
ErrorCode code_of(const std::string& sqlstate) {
  if (sqlstate == "23505") return ErrorCode::kConflict;       // unique_violation
  if (sqlstate == "23503") return ErrorCode::kNotFound;       // foreign_key_violation
  if (sqlstate == "55P03") return ErrorCode::kUnavailable;    // lock_not_available
  if (sqlstate == "25006") return ErrorCode::kUnavailable;    // a standby, not yet promoted
  if (sqlstate == "LB001") return ErrorCode::kConfiguration;  // raised by our migrations
  if (sqlstate == "LB002") return ErrorCode::kQuotaExceeded;  // raised by migration 0005
  if (sqlstate == "53100") return ErrorCode::kStorageFull;    // disk_full
  if (sqlstate == "42501") return ErrorCode::kConfiguration;  // insufficient_privilege
  const std::string kind = sqlstate.substr(0, 2);
  if (kind == "08" || kind == "40" || kind == "53" || kind == "57" || kind == "58") {
    return ErrorCode::kUnavailable;  // connection, collision, resources, operator, system
  }
  if (kind == "XX" && sqlstate != "XX000") return ErrorCode::kIntegrity;  // a damaged page
  return ErrorCode::kInternal;
}

// One line, so that it fits into a message.
std::string flat(const char* text) {
  std::string line = text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

const pqxx::sql_error* as_sql_error(const std::exception& error) noexcept {
  return dynamic_cast<const pqxx::sql_error*>(&error);
}

}  // namespace

Error translate(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const Error*>(&error)) return *ours;
  if (dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr) {
    return {ErrorCode::kUnavailable,
            "the database went away during a commit; whether it took place is unknown"};
  }
  if (dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr) {
    return {ErrorCode::kUnavailable, "the database can't be reached: " + flat(error.what())};
  }
  if (is_collision(error)) {
    return {ErrorCode::kUnavailable,
            "the database kept undoing a transaction: " + flat(error.what())};
  }
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) {  // has no SQLSTATE
    return {ErrorCode::kConfiguration,
            "the database doesn't allow its user this: " + flat(error.what())};
  }
  if (const auto* sql = as_sql_error(error)) {
    return {code_of(sql->sqlstate()),
            "the database refused (" + sql->sqlstate() + "): " + flat(sql->what())};
  }
  return {ErrorCode::kInternal, "the database's client failed: " + flat(error.what())};
}

bool is_collision(const std::exception& error) noexcept {
  if (dynamic_cast<const pqxx::serialization_failure*>(&error) != nullptr ||
      dynamic_cast<const pqxx::deadlock_detected*>(&error) != nullptr) {
    return true;
  }
  const auto* sql = as_sql_error(error);
  return sql != nullptr && (sql->sqlstate() == "40001" || sql->sqlstate() == "40P01");
}

}  // namespace letterbox::storage
