// The directory of devices: their records as they were signed, and what was signed about them.
//
// Which devices somebody has today follows from these records in the order of their acceptance.
// Storage keeps them and that order; the rules are others'.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/principal_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

struct NewDevice {
  std::string handle;       ///< of the principal that it belongs to
  std::string recipient;    ///< age1…
  std::string signing_key;  ///< base64 of the Ed25519 key
  std::string key_id;       ///< that key's fingerprint: 64 lowercase hexadecimal digits
  std::string record;       ///< the DSSE envelope's JSON, kept verbatim
  std::optional<std::chrono::sys_seconds> not_before = {};  ///< as the record says
};

struct Device : NewDevice {
  Uuid principal;
  std::chrono::sys_seconds accepted;
  std::optional<std::chrono::sys_seconds> revoked;
};

/// A signed record: a device's own, or one about it (a cosignature, a revocation).
struct AcceptedRecord {
  std::string recipient;  ///< the device that it was filed under
  std::chrono::sys_seconds accepted;
  std::string record;
};

/// Who holds a signing key.
struct KeyHolder {
  TenantId tenant;
  Device device;
  PrincipalKind kind;
  bool principal_revoked;
  /// As DeviceStore::history() of its handle.
  std::vector<AcceptedRecord> history;
};

/// A request is signed with a device's key and names no tenant; the key finds it. So a signing key
/// belongs to one device of the whole gateway. An age key belongs to one of its tenant.
///
/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable. Lookups
/// find revoked devices too: old letters are verified with their keys.
class DeviceStore {
 public:
  virtual ~DeviceStore() = default;

  /// Throws Error kConflict if a device of this tenant has this recipient, or one of any tenant
  /// this signing key or key id, or the principal is revoked; kNotFound if no principal has this
  /// handle.
  virtual void add(TenantId tenant, const NewDevice& device, const AuditEvent& event) = 0;
  /// Files a further signed record under a device. Throws Error kNotFound.
  virtual void add_record(TenantId tenant, const std::string& recipient, const std::string& record,
                          const AuditEvent& event) = 0;
  /// Final, from this commit on; `record`, if there is one, is filed with it. True if this call did
  /// it; false if it was done before, and then nothing is filed. Throws Error kNotFound.
  virtual bool revoke(TenantId tenant, const std::string& recipient,
                      const std::optional<std::string>& record, const AuditEvent& event) = 0;

  /// By handle then recipient; of one handle if given.
  virtual std::vector<Device> list(TenantId tenant,
                                   const std::optional<std::string>& handle = std::nullopt) = 0;
  virtual std::optional<Device> find_recipient(TenantId tenant, const std::string& recipient) = 0;
  /// Of the whole gateway.
  virtual std::optional<KeyHolder> find_key(const std::string& key_id) = 0;
  /// All records about all devices of `handle`, in the order in which they were accepted.
  virtual std::vector<AcceptedRecord> history(TenantId tenant, const std::string& handle) = 0;
};

}  // namespace letterbox::storage
