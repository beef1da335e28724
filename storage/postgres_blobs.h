#pragma once

#include "storage/blob_store.h"
#include "storage/pool.h"
#include "storage/store.h"

namespace letterbox::storage {

class PostgresBlobs final : public BlobStore {
 public:
  PostgresBlobs(Pool& pool, const Uuid& instance) : pool_(pool), instance_(instance) {}

  std::unique_ptr<BlobWriter> begin(const Uuid& id) override;
  std::optional<FileRecord> find(const Uuid& id) override;
  std::unique_ptr<Source> read(const Uuid& id) override;

  Swept sweep();

 private:
  Pool& pool_;
  const Uuid instance_;
};

}  // namespace letterbox::storage
