#pragma once

#include "storage/mail_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresMail final : public MailStore {
 public:
  PostgresMail(Pool& pool, const Uuid& instance) : pool_(pool), instance_(instance) {}

  void put(TenantId tenant, const Uuid& principal, const std::optional<std::string>& address,
           const AuditEvent& event) override;
  std::optional<std::string> find(TenantId tenant, const Uuid& principal) override;
  std::optional<MailTurn> take(std::chrono::sys_seconds now,
                               std::chrono::sys_seconds until) override;
  void told(const MailTurn& turn, std::chrono::sys_seconds next) override;
  void in_vain(const MailTurn& turn, std::chrono::sys_seconds next) override;
  void release() override;
  Backlog backlog() override;

 private:
  Pool& pool_;
  const Uuid instance_;
};

}  // namespace letterbox::storage
