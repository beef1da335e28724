// Whom mail tells that there is something new for them, and how far they have been told.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "storage/audit_store.h"
#include "storage/notice_store.h"
#include "storage/tenant_store.h"
#include "storage/webhook_store.h"

namespace letterbox::storage {

/// Somebody to write to now.
struct MailTurn {
  TenantId tenant;
  Uuid principal;
  std::string address;
  unsigned failures;  ///< so often in a row it was in vain
  NoticePlace upto;   ///< what one mail tells of
};

/// Told are recipients of what was delivered to them or shared with them, and senders of what
/// expires unread. Thread-safe. Every call may throw Error kUnavailable; a call that returned is
/// durable.
class MailStore {
 public:
  virtual ~MailStore() = default;

  /// In place of the address there is; nothing: none from now on. Records `event` if that changes
  /// anything. Throws Error kNotFound if there is no such principal.
  virtual void put(TenantId tenant, const Uuid& principal,
                   const std::optional<std::string>& address, const AuditEvent& event) = 0;
  virtual std::optional<std::string> find(TenantId tenant, const Uuid& principal) = 0;

  /// The turn of whoever is due at `now` and has been waiting the longest; none of those who were
  /// revoked. It is the caller's until `until`, when anybody may take it again, or one of the next
  /// two.
  virtual std::optional<MailTurn> take(std::chrono::sys_seconds now,
                                       std::chrono::sys_seconds until) = 0;
  /// The relay has it; nobody writes to them again before `next`.
  virtual void told(const MailTurn& turn, std::chrono::sys_seconds next) = 0;
  virtual void in_vain(const MailTurn& turn, std::chrono::sys_seconds next) = 0;
  /// Gives back what an earlier run of this instance took.
  virtual void release() = 0;

  virtual Backlog backlog() = 0;
};

}  // namespace letterbox::storage
