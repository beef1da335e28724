#pragma once

#include <pqxx/pqxx>

#include "storage/blob_store.h"
#include "storage/pool.h"
#include "storage/store.h"

namespace letterbox::storage {

class PostgresBlobs final : public BlobStore {
 public:
  PostgresBlobs(Pool& pool, const Uuid& instance) : pool_(pool), instance_(instance) {}

  std::unique_ptr<BlobWriter> begin(TenantId tenant, const Uuid& id) override;
  std::optional<FileRecord> find(TenantId tenant, const Uuid& id) override;
  std::unique_ptr<Source> read(TenantId tenant, const Uuid& id, std::size_t first) override;
  FilePage read_files(TenantId tenant, const Uuid& delivery, const Uuid& after,
                      std::uint64_t up_to) override;
  void put_index(TenantId tenant, const Uuid& delivery, const Uuid& file, const SealedIndex& index,
                 const AuditEvent& event) override;
  std::unique_ptr<IndexReader> read_indexes(TenantId tenant, const Uuid& delivery) override;
  bool remove(TenantId tenant, const Uuid& id, const AuditEvent& event) override;
  std::uint64_t used(TenantId tenant) override;

  Swept sweep();

 private:
  Pool& pool_;
  const Uuid instance_;
};

/// The step that others' last transactions take here. Throws Error kConflict if the id is taken.
void insert_file(pqxx::work& transaction, TenantId tenant, const FileRecord& file,
                 const Uuid& payload);

}  // namespace letterbox::storage
