// Whose devices are whose now: the directory's records, and what follows from them.
#pragma once

#include <vector>

#include "crypto/signing.h"
#include "records/devices.h"
#include "records/dsse.h"
#include "records/handle.h"
#include "storage/device_store.h"

namespace letterbox::gateway {

/// All records about the devices of `handle` in the order of their acceptance, each verified, if
/// not by this read then by an earlier one of the very same bytes: the database isn't trusted to
/// hold what was put in. Empty if there is no such handle.
/// Throws Error kUnavailable, kInternal (a record that doesn't verify). Thread-safe.
std::vector<records::AcceptedRecord> accepted_records(storage::DeviceStore& directory,
                                                      storage::TenantId tenant,
                                                      const records::Handle& handle);

/// records::devices_of() over them, at this moment.
std::vector<records::Device> devices_of(storage::DeviceStore& directory, storage::TenantId tenant,
                                        const records::Handle& handle,
                                        const crypto::VerifyKey& gateway_key);

}  // namespace letterbox::gateway
