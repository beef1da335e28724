#include "gateway/directory/devices.h"

#include "base/error.h"
#include "gateway/directory/verified_records.h"

namespace letterbox::gateway {

namespace {

constexpr std::size_t kMostRemembered = 4096;  // a few MiB

// What bytes say doesn't depend on who asks, so it is remembered for all.
VerifiedRecords& verified_records() {
  static VerifiedRecords all(kMostRemembered);
  return all;
}

}  // namespace

std::vector<records::AcceptedRecord> verified(const std::vector<storage::AcceptedRecord>& history) {
  std::vector<records::AcceptedRecord> accepted;
  for (const storage::AcceptedRecord& entry : history) {
    try {
      accepted.push_back(verified_records().verify(entry.record, accepted.size(), entry.accepted));
    } catch (const Error&) {
      throw Error(ErrorCode::kInternal, "a record in the directory doesn't verify");
    }
  }
  return accepted;
}

std::vector<records::AcceptedRecord> accepted_records(storage::DeviceStore& directory,
                                                      storage::TenantId tenant,
                                                      const records::Handle& handle) {
  return verified(directory.history(tenant, handle.text()));
}

std::vector<records::Device> devices_of(storage::DeviceStore& directory, storage::TenantId tenant,
                                        const records::Handle& handle,
                                        const crypto::VerifyKey& gateway_key) {
  return records::devices_of(handle, accepted_records(directory, tenant, handle), gateway_key,
                             records::now());
}

}  // namespace letterbox::gateway
