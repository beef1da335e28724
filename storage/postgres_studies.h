#pragma once

#include "storage/pool.h"
#include "storage/recent_counts.h"
#include "storage/study_store.h"

namespace letterbox::storage {

class PostgresStudies final : public StudyStore {
 public:
  PostgresStudies(Pool& pool, const Uuid& instance) : pool_(pool), instance_(instance) {}

  std::unique_ptr<RequestWriter> begin(TenantId tenant) override;
  std::optional<JoinableStudy> find_open(TenantId tenant, const Mac& study) override;
  std::vector<LiveInstance> find(TenantId tenant, const std::vector<Mac>& instances) override;
  std::vector<OpenStudy> due(std::chrono::sys_seconds now, std::size_t limit) override;
  std::vector<OpenStudy> joinable(const std::optional<Uuid>& after, std::size_t limit) override;

 private:
  Pool& pool_;
  const Uuid instance_;
  RecentCounts counts_;
};

}  // namespace letterbox::storage
