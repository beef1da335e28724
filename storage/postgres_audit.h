#pragma once

#include <pqxx/pqxx>

#include "storage/audit_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresAudit final : public AuditStore {
 public:
  explicit PostgresAudit(Pool& pool) : pool_(pool) {}

  void append(TenantId tenant, const AuditEvent& event) override;
  std::vector<AuditRecord> read(TenantId tenant, const std::optional<Uuid>& after,
                                std::size_t limit) override;

 private:
  Pool& pool_;
};

/// Writes `event` in the transaction of what it records. To be the last statement: from here on
/// until the commit a reader of the trail waits.
void record(pqxx::work& transaction, TenantId tenant, const AuditEvent& event);

/// The same as a statement among others, the last one. `event` must outlive it. Throws as
/// require_sound (storage/audit_check.h).
class AuditStatement {
 public:
  AuditStatement(TenantId tenant, const AuditEvent& event);
  Statement statement() const;

 private:
  const TenantId tenant_;
  const Uuid id_ = Uuid::v7();
  const AuditEvent& event_;
};

}  // namespace letterbox::storage
