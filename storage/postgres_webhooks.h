#pragma once

#include "storage/pool.h"
#include "storage/webhook_store.h"

namespace letterbox::storage {

class PostgresWebhooks final : public WebhookStore {
 public:
  PostgresWebhooks(Pool& pool, const Uuid& instance) : pool_(pool), instance_(instance) {}

  void put(TenantId tenant, const std::optional<Webhook>& webhook,
           const AuditEvent& event) override;
  std::optional<Webhook> find(TenantId tenant) override;
  std::optional<WebhookTurn> take(std::chrono::sys_seconds now, std::chrono::sys_seconds until,
                                  std::size_t limit) override;
  void told(TenantId tenant, NoticePlace place) override;
  void done(TenantId tenant, bool in_vain, std::chrono::sys_seconds next) override;
  void release() override;
  Backlog backlog() override;

 private:
  Pool& pool_;
  const Uuid instance_;
};

}  // namespace letterbox::storage
