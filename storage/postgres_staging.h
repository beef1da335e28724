// Sealed bytes that belong to no file yet.
#pragma once

#include <cstdint>
#include <pqxx/pqxx>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/pool.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// The COMMIT of the transaction that this is part of needn't wait for the disk.
inline constexpr const char* kDoNotWait = "SELECT set_config('synchronous_commit', 'off', true)";

/// Adds a row to a payload. Throws pqxx's errors.
void add_row(Connection& connection, TenantId tenant, const Uuid& payload, std::int32_t number,
             const Ciphertext& row);

/// A payload that `owner` staged is a file's from now on. False if it isn't there, or is nobody's.
/// Throws pqxx's errors.
bool adopt(pqxx::work& transaction, TenantId tenant, const Uuid& payload, const Uuid& owner);

/// Drops these payloads if they are still staged by `instance`; nothing of them, or all. Doesn't
/// wait for the disk, nor for a database that is away: what is left is swept. Throws Error
/// kUnavailable.
void drop_staged(Pool& pool, TenantId tenant, const Uuid& instance,
                 const std::vector<Uuid>& payloads);

}  // namespace letterbox::storage
