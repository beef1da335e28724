#include "storage/migrations.h"

#include <string>

#include "base/error.h"

namespace letterbox::storage {

namespace {

// "letrbox" in ASCII; any number would do that nobody else takes in this database.
constexpr const char* kTakeTurns = "SELECT pg_advisory_xact_lock(30510848294416248)";

// Looked for by name first: making what exists already needs a right that a gateway whose schema
// was set up by somebody else may lack.
constexpr const char* kHistoryExists = "SELECT to_regclass('schema_migration') IS NOT NULL";

constexpr const char* kMakeHistory = R"SQL(
  CREATE TABLE schema_migration (
    version  int         NOT NULL PRIMARY KEY CHECK (version > 0),
    name     text        NOT NULL,
    sha256   text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied  timestamptz NOT NULL DEFAULT now()
  ))SQL";

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Error(ErrorCode::kConfiguration,
              "the database's schema has migration " + name + ", " + why);
}

}  // namespace

std::span<const Migration> migrate(pqxx::work& transaction, std::span<const Migration> wanted) {
  // 1. Take turns. What follows sees what the one before us committed.
  transaction.exec(kTakeTurns);
  // A long migration is no reason to give up half-way.
  transaction.exec("SET LOCAL statement_timeout = 0");

  // 2. Hold the history against ours.
  if (!transaction.exec1(kHistoryExists)[0].as<bool>()) transaction.exec0(kMakeHistory);
  std::size_t applied = 0;
  for (const pqxx::row& row :
       transaction.exec("SELECT version, name, sha256 FROM schema_migration ORDER BY version")) {
    const auto name = row["name"].as<std::string>();
    if (applied == wanted.size()) {
      refuse(name, "which is newer than this program: run the newer program");
    }
    const Migration& ours = wanted[applied++];
    if (row["version"].as<int>() != ours.version ||
        row["sha256"].as<std::string>() != ours.sha256) {
      refuse(name, "which isn't the " + std::string(ours.name) +
                       " of this program: it was changed after it had been applied");
    }
  }

  // 3. Apply the rest.
  const std::span<const Migration> missing = wanted.subspan(applied);
  for (const Migration& migration : missing) {
    transaction.exec(migration.sql);
    transaction.exec_params(
        "INSERT INTO schema_migration (version, name, sha256)"
        " VALUES ($1, $2, $3)",
        migration.version, migration.name, migration.sha256);
  }
  return missing;
}

bool is_current(pqxx::transaction_base& session, std::span<const Migration> wanted) {
  const pqxx::result last =
      session.exec("SELECT version, sha256 FROM schema_migration ORDER BY version DESC LIMIT 1");
  return last.size() == 1 && !wanted.empty() && last[0][0].as<int>() == wanted.back().version &&
         last[0][1].as<std::string>() == wanted.back().sha256;
}

}  // namespace letterbox::storage
