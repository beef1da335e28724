#pragma once

#include "storage/memory_shelf.h"
#include "storage/sharing_store.h"

namespace letterbox::storage {

class MemorySharing final : public SharingStore {
 public:
  explicit MemorySharing(MemoryShelf& shelf) : shelf_(shelf) {}

  std::unique_ptr<RecipientChange> begin(TenantId tenant, const Uuid& delivery) override;
  std::optional<FileHeaders> former(TenantId tenant, const Uuid& file,
                                    std::uint32_t version) override;
  std::unique_ptr<BeginningsReader> read(TenantId tenant, const Uuid& delivery,
                                         std::uint32_t version) override;
  std::vector<std::uint32_t> kept(TenantId tenant, const Uuid& delivery) override;
  bool confirm(TenantId tenant, const Uuid& delivery, std::uint32_t version,
               const AuditEvent& event) override;

 private:
  MemoryShelf& shelf_;
};

}  // namespace letterbox::storage
