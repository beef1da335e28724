#pragma once

#include "storage/pool.h"
#include "storage/upload_locks.h"
#include "storage/upload_store.h"

namespace letterbox::storage {

class PostgresUploads final : public UploadStore {
 public:
  PostgresUploads(Pool& pool, const PostgresOptions& options) : pool_(pool), locks_(options) {}

  Upload create(TenantId tenant, const NewUpload& upload, std::uint64_t most,
                std::chrono::sys_seconds now, const AuditEvent& event) override;
  std::optional<Upload> find(TenantId tenant, const Uuid& id,
                             std::chrono::sys_seconds now) override;
  std::unique_ptr<UploadWriter> resume(TenantId tenant, const Uuid& id,
                                       std::chrono::sys_seconds now) override;
  bool terminate(TenantId tenant, const Uuid& id) override;

 private:
  Pool& pool_;
  UploadLocks locks_;
};

}  // namespace letterbox::storage
