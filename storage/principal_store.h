// Principals: the people, machines and administrators of a tenant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

enum class PrincipalKind : std::uint8_t { kPerson, kMachine, kAdministrator };

/// "person", "machine", "administrator".
const char* to_text(PrincipalKind kind) noexcept;

struct Principal {
  Uuid id;
  std::string handle;
  PrincipalKind kind;
  std::chrono::sys_seconds created;
  std::optional<std::chrono::sys_seconds> revoked;
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class PrincipalStore {
 public:
  virtual ~PrincipalStore() = default;

  /// Throws Error kConflict if the handle is taken, be it by one who was revoked: what was signed
  /// under a handle must never come to mean somebody else. kNotFound if there is no such tenant.
  virtual Principal make(TenantId tenant, const std::string& handle, PrincipalKind kind,
                         const AuditEvent& event) = 0;
  virtual std::optional<Principal> find(TenantId tenant, const Uuid& id) = 0;
  virtual std::optional<Principal> find_handle(TenantId tenant, const std::string& handle) = 0;
  /// By handle, bytewise; the revoked too.
  virtual std::vector<Principal> list(TenantId tenant) = 0;
  /// Final. True if this call did it, false if it was done before. Throws Error kNotFound.
  virtual bool revoke(TenantId tenant, const Uuid& id, const AuditEvent& event) = 0;
};

}  // namespace letterbox::storage
