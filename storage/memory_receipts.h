#pragma once

#include "storage/memory_shelf.h"
#include "storage/receipt_store.h"

namespace letterbox::storage {

class MemoryReceipts final : public ReceiptStore {
 public:
  explicit MemoryReceipts(MemoryShelf& shelf) : shelf_(shelf) {}

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
  // With the shelf's mutex held.
  std::optional<DownloadOutcome> begin_one(TenantId tenant, const Uuid& file,
                                           const std::string& recipient,
                                           std::chrono::sys_seconds now, const AuditEvent& event);

  MemoryShelf& shelf_;
};

}  // namespace letterbox::storage
