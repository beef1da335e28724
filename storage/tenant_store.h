// Tenants: the hospitals that share a gateway and must never see each other.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"

namespace letterbox::storage {

struct AuditEvent;  // storage/audit_store.h

/// Whose records. A type of its own, so that no other id is taken for it.
struct TenantId {
  Uuid uuid;
  auto operator<=>(const TenantId&) const = default;
};

/// Nobody's tenant, which every database has: for the audit trail and the nonces of what concerns
/// no tenant, such as refusing an unknown caller. Its name is ".gateway", which no handle's tenant
/// is.
inline const TenantId kGateway{*Uuid::parse("00000000-0000-7000-8000-000000000001")};

struct Tenant {
  TenantId id;
  std::string name;
};

/// What a tenant may; absent: as the gateway's configuration says, and no quota. Storage keeps the
/// quota, the gateway the rest.
struct TenantLimits {
  std::optional<std::chrono::days> default_life = {};
  std::optional<std::chrono::days> longest_life = {};
  std::optional<std::uint32_t> default_downloads = {};
  std::optional<std::uint32_t> most_downloads = {};
  /// In bytes of BlobStore::used. What is stored at the same moment may exceed it together.
  std::optional<std::uint64_t> quota = {};

  bool operator==(const TenantLimits&) const = default;
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class TenantStore {
 public:
  virtual ~TenantStore() = default;

  /// Throws Error kConflict if the name is taken.
  virtual TenantId make(const std::string& name) = 0;
  virtual std::optional<TenantId> find(const std::string& name) = 0;
  /// By name, bytewise; kGateway too.
  virtual std::vector<Tenant> list() = 0;

  /// Throws Error kNotFound if there is no such tenant, here and below.
  virtual TenantLimits limits(TenantId tenant) = 0;
  /// All of them. What is there already stays, even over the quota. Throws Error kInternal if one
  /// is 0 where only more makes sense; the quota may be.
  virtual void set_limits(TenantId tenant, const TenantLimits& limits, const AuditEvent& event) = 0;
};

}  // namespace letterbox::storage
