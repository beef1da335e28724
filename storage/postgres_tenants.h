#pragma once

#include "storage/pool.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

class PostgresTenants final : public TenantStore {
 public:
  explicit PostgresTenants(Pool& pool) : pool_(pool) {}

  TenantId make(const std::string& name) override;
  std::optional<TenantId> find(const std::string& name) override;
  std::vector<Tenant> list() override;
  TenantLimits limits(TenantId tenant) override;
  void set_limits(TenantId tenant, const TenantLimits& limits, const AuditEvent& event) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
