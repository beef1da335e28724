#pragma once

#include "storage/memory_shelf.h"

namespace letterbox::storage {

/// The contract of StudyStore, durability aside.
class MemoryStudies final : public StudyStore {
 public:
  explicit MemoryStudies(MemoryShelf& shelf) : shelf_(shelf) {}

  std::unique_ptr<RequestWriter> begin(TenantId tenant) override;
  std::optional<JoinableStudy> find_open(TenantId tenant, const Mac& study) override;
  std::vector<LiveInstance> find(TenantId tenant, const std::vector<Mac>& instances) override;
  std::vector<OpenStudy> due(std::chrono::sys_seconds now, std::size_t limit) override;
  std::vector<OpenStudy> joinable(const std::optional<Uuid>& after, std::size_t limit) override;

 private:
  MemoryShelf& shelf_;
};

}  // namespace letterbox::storage
