// Notices in memory, and how far somebody was told of them.
#pragma once

#include "storage/memory_shelf.h"

namespace letterbox::storage {

class MemoryNotices final : public NoticeStore {
 public:
  explicit MemoryNotices(MemoryShelf& shelf) : shelf_(shelf) {}

  std::size_t place(std::size_t limit) override;
  NoticePlace last() override;
  News news(NoticePlace after) override;
  std::vector<Notice> read(TenantId tenant, const Uuid& principal, NoticePlace after,
                           std::size_t limit) override;
  std::optional<NoticePlace> find(TenantId tenant, const Uuid& notice) override;
  std::size_t warn(std::chrono::sys_seconds now, std::chrono::seconds warning,
                   std::size_t limit) override;

 private:
  MemoryShelf& shelf_;
};

class MemoryWebhooks final : public WebhookStore {
 public:
  explicit MemoryWebhooks(MemoryShelf& shelf) : shelf_(shelf) {}

  void put(TenantId tenant, const std::optional<Webhook>& webhook,
           const AuditEvent& event) override;
  std::optional<Webhook> find(TenantId tenant) override;
  std::optional<WebhookTurn> take(std::chrono::sys_seconds now, std::chrono::sys_seconds until,
                                  std::size_t limit) override;
  void told(TenantId tenant, NoticePlace place) override;
  void done(TenantId tenant, bool in_vain, std::chrono::sys_seconds next) override;
  void release() override {}  // there are no earlier runs
  Backlog backlog() override;

 private:
  MemoryShelf& shelf_;
};

class MemoryMail final : public MailStore {
 public:
  explicit MemoryMail(MemoryShelf& shelf) : shelf_(shelf) {}

  void put(TenantId tenant, const Uuid& principal, const std::optional<std::string>& address,
           const AuditEvent& event) override;
  std::optional<std::string> find(TenantId tenant, const Uuid& principal) override;
  std::optional<MailTurn> take(std::chrono::sys_seconds now,
                               std::chrono::sys_seconds until) override;
  void told(const MailTurn& turn, std::chrono::sys_seconds next) override;
  void in_vain(const MailTurn& turn, std::chrono::sys_seconds next) override;
  void release() override {}  // there are no earlier runs
  Backlog backlog() override;

 private:
  MemoryShelf& shelf_;
};

}  // namespace letterbox::storage
