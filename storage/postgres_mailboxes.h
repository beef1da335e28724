#pragma once

#include "storage/mailbox_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresMailboxes final : public MailboxStore {
 public:
  explicit PostgresMailboxes(Pool& pool) : pool_(pool) {}

  void put(TenantId tenant, const Mailbox& mailbox, const AuditEvent& event) override;
  std::optional<Mailbox> find(TenantId tenant, const std::string& name) override;
  std::vector<Mailbox> list(TenantId tenant) override;
  bool remove(TenantId tenant, const std::string& name, const AuditEvent& event) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
