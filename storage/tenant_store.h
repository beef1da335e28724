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

/// The tenant that every database has (migration 0001).
inline const TenantId kDefaultTenant{*Uuid::parse("00000000-0000-7000-8000-000000000001")};

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
  /// By name, bytewise.
  virtual std::vector<Tenant> list() = 0;
};

}  // namespace letterbox::storage
