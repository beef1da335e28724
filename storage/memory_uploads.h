#pragma once

#include "storage/memory_shelf.h"
#include "storage/upload_store.h"

namespace letterbox::storage {

class MemoryUploads final : public UploadStore {
 public:
  explicit MemoryUploads(MemoryShelf& shelf) : shelf_(shelf) {}

  Upload create(TenantId tenant, const NewUpload& upload, std::uint64_t most,
                std::chrono::sys_seconds now, const AuditEvent& event) override;
  std::optional<Upload> find(TenantId tenant, const Uuid& id,
                             std::chrono::sys_seconds now) override;
  std::unique_ptr<UploadWriter> resume(TenantId tenant, const Uuid& id,
                                       std::chrono::sys_seconds now) override;
  bool terminate(TenantId tenant, const Uuid& id) override;

 private:
  MemoryShelf& shelf_;
};

}  // namespace letterbox::storage
