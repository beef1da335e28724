// Whose devices are whose now: the directory's records, and what follows from them.
#pragma once

#include <vector>

#include "crypto/signing.h"
#include "records/devices.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "storage/device_store.h"

namespace letterbox::gateway {

/// Records in the order of their acceptance, as the directory holds them, each verified: if not by
/// this call then by an earlier one with the very same bytes, since the database isn't trusted to
/// hold what was put in. Throws Error kInternal (a record that doesn't verify). Thread-safe.
std::vector<records::AcceptedRecord> verified(const std::vector<storage::AcceptedRecord>& history);

/// All records about the devices of `handle`, verified. Empty if there is no such handle.
/// Throws Error kUnavailable, kInternal. Thread-safe.
std::vector<records::AcceptedRecord> accepted_records(storage::DeviceStore& directory,
                                                      storage::TenantId tenant,
                                                      const records::Handle& handle);

/// records::devices_of() over them, at this moment.
std::vector<records::Device> devices_of(storage::DeviceStore& directory, storage::TenantId tenant,
                                        const records::Handle& handle,
                                        const crypto::VerifyKey& gateway_key);

}  // namespace letterbox::gateway
