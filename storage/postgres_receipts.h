#pragma once

#include "storage/pool.h"
#include "storage/receipt_store.h"

namespace letterbox::storage {

class PostgresReceipts final : public ReceiptStore {
 public:
  explicit PostgresReceipts(Pool& pool) : pool_(pool) {}

  std::vector<std::optional<DownloadOutcome>> begin_downloads(TenantId tenant,
                                                              std::span<const Uuid> files,
                                                              const std::string& recipient,
                                                              std::chrono::sys_seconds now,
                                                              const AuditEvent& event) override;
  bool put_opened(TenantId tenant, const Uuid& delivery, const std::string& recipient,
                  const std::string& receipt, const AuditEvent& event) override;
  SentPage sent(TenantId tenant, const Uuid& sender, const std::optional<Uuid>& before,
                std::size_t limit) override;
  std::optional<SentDelivery> find(TenantId tenant, const Uuid& delivery) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
