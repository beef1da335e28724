// The PostgreSQL server that this test program runs for itself.
#pragma once

#include <filesystem>
#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "storage/private_cluster.h"
#include "storage/store.h"

namespace letterbox::storage::testing {

/// A directory of this program's own, gone when it ends. Its path is short, because sockets lie in
/// it.
const std::filesystem::path& scratch();

/// A fresh path in there; nothing is made.
std::filesystem::path fresh_path(const std::string& name);

/// The server that most tests share; started by the first.
PrivateCluster& shared_cluster();
/// Ends it; for the end of the program.
void stop_shared_cluster();

/// A connection string whose statements see an empty schema of their own on `server`.
std::string fresh_database(const PrivateCluster& server);

/// For a fresh instance, with little patience.
PostgresOptions options_for(const std::string& connection);

/// The answer to `sql`, which a bystander asks; of its first field, as text.
std::string ask(const std::string& connection, const std::string& sql);

/// The postmaster's process id in a cluster's directory; 0 if there is none.
pid_t postmaster_of(const std::filesystem::path& cluster);

}  // namespace letterbox::storage::testing
