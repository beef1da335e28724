// What every command on the host stands on: the data directory and the database, without network.
#pragma once

#include <string>

#include "gateway/config.h"
#include "gateway/data_directory.h"
#include "gateway/database.h"
#include "records/handle.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Who has the host has the gateway: what is done here is done by nobody that the directory knows.
inline const storage::AuditEvent kOnTheHost = {.kind = storage::AuditKind::kAdministration};
/// The same of what takes access away. `object` is whose.
storage::AuditEvent revocation_on_the_host(const Uuid& object);

/// A gateway that serves from the same directory keeps its lock and its database server; then this
/// joins that server, else it runs one for as long as it takes.
class Host {
 public:
  /// Becomes the account that owns the data: whatever is to be opened by the rights of the caller
  /// is opened before. Throws Error kConfiguration, kFile, kUnavailable.
  explicit Host(const Config& config);

  const DataDirectory& data() const noexcept { return data_; }
  storage::Store& store() noexcept { return database_.store(); }
  Uuid instance() { return data_.instance(); }
  crypto::SigningKey signing_key() { return data_.signing_key(); }

 private:
  DataDirectory data_;
  Database database_;
};

/// A handle of the command line. Throws Error kUsage.
records::Handle parse_handle(const std::string& text);
/// Throws Error kConflict if there is one of this name.
void make_tenant(storage::Store& store, const std::string& name, std::uint64_t quota = 0);
/// Throws Error kNotFound, saying how tenants are made.
storage::TenantId find_tenant(storage::Store& store, const std::string& name);
/// Throws Error kNotFound if there is no such tenant, or nobody in it has the handle.
storage::Principal find_principal(storage::Store& store, const records::Handle& handle);

}  // namespace letterbox::gateway
