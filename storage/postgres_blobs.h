#pragma once

#include "storage/blob_store.h"
#include "storage/pool.h"
#include "storage/store.h"

namespace letterbox::storage {

class PostgresBlobs final : public BlobStore {
 public:
  PostgresBlobs(Pool& pool, const Uuid& instance) : pool_(pool), instance_(instance) {}

  std::unique_ptr<BlobWriter> begin(TenantId tenant, const Uuid& id) override;
  std::optional<FileRecord> find(TenantId tenant, const Uuid& id) override;
  std::unique_ptr<Source> read(TenantId tenant, const Uuid& id) override;
  void put_index(TenantId tenant, const Uuid& delivery, const Uuid& file, const SealedIndex& index,
                 const AuditEvent& event) override;
  std::unique_ptr<IndexReader> read_indexes(TenantId tenant, const Uuid& delivery) override;
  bool remove(TenantId tenant, const Uuid& id, const AuditEvent& event) override;

  Swept sweep();

 private:
  Pool& pool_;
  const Uuid instance_;
};

}  // namespace letterbox::storage
