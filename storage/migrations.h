// The schema's history: numbered SQL files, each applied once, in order, never changed afterwards.
#pragma once

#include <pqxx/pqxx>
#include <span>

namespace letterbox::storage {

struct Migration {
  int version;
  const char* name;
  const char* sha256;  ///< lowercase hex, of `sql`
  const char* sql;
};

/// Those embedded at build time from storage/migrations/, version 1 first.
std::span<const Migration> migrations() noexcept;

/// Brings the schema to the last of `wanted` inside `transaction`. Programs that start together
/// take turns by an advisory lock. Returns those that it applied. Throws Error kConfiguration if a
/// migration that was applied before differs from `wanted`, or is newer than all of it.
std::span<const Migration> migrate(pqxx::work& transaction, std::span<const Migration> wanted);

/// Whether the schema's history ends with the last of `wanted`. Throws what PostgreSQL says of a
/// database without a history.
bool is_current(pqxx::transaction_base& session, std::span<const Migration> wanted);

}  // namespace letterbox::storage
