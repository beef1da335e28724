#pragma once

#include <pqxx/pqxx>

#include "storage/notice_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresNotices final : public NoticeStore {
 public:
  explicit PostgresNotices(Pool& pool) : pool_(pool) {}

  std::size_t place(std::size_t limit) override;
  NoticePlace last() override;
  News news(NoticePlace after) override;
  std::vector<Notice> read(TenantId tenant, const Uuid& principal, NoticePlace after,
                           std::size_t limit) override;
  std::optional<NoticePlace> find(TenantId tenant, const Uuid& notice) override;
  std::size_t warn(std::chrono::sys_seconds now, std::chrono::seconds warning,
                   std::size_t limit) override;

 private:
  Pool& pool_;
};

/// Of rows with id, kind, at (in seconds), delivery_id, recipient, place.
std::vector<Notice> notices_of(const pqxx::result& rows);

}  // namespace letterbox::storage
