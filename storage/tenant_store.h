// Tenants: the hospitals that share a gateway and must never see each other.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"

namespace letterbox::storage {

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

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class TenantStore {
 public:
  virtual ~TenantStore() = default;

  /// Throws Error kConflict if the name is taken.
  virtual TenantId make(const std::string& name) = 0;
  virtual std::optional<TenantId> find(const std::string& name) = 0;
  /// By name, bytewise; kGateway too.
  virtual std::vector<Tenant> list() = 0;
};

}  // namespace letterbox::storage
