// Where a tenant's notices are sent to, and how far they have been.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "storage/audit_store.h"
#include "storage/notice_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

struct Webhook {
  std::string url;        ///< https
  std::string authority;  ///< PEM: who vouches for the receiver; empty: whom the system trusts

  bool operator==(const Webhook&) const = default;
};

/// What one gateway has to send to one receiver now, in order.
struct WebhookTurn {
  TenantId tenant;
  Webhook webhook;
  unsigned failures;  ///< so often in a row it was in vain
  std::vector<Notice> notices;
};

/// What nobody was told yet.
struct Backlog {
  std::size_t notices = 0;
  std::optional<std::chrono::sys_seconds> oldest = {};
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class WebhookStore {
 public:
  virtual ~WebhookStore() = default;

  /// In place of the one there is; nothing: none from now on. A first one is sent what happens from
  /// now on, another one what the one before wasn't. Records `event` if that changes anything.
  /// Throws Error kNotFound if there is no such tenant.
  virtual void put(TenantId tenant, const std::optional<Webhook>& webhook,
                   const AuditEvent& event) = 0;
  virtual std::optional<Webhook> find(TenantId tenant) = 0;

  /// The turn of whichever receiver is due at `now` and has been waiting the longest; at most
  /// `limit` notices. It is the caller's until `until`, when anybody may take it again, or done().
  virtual std::optional<WebhookTurn> take(std::chrono::sys_seconds now,
                                          std::chrono::sys_seconds until, std::size_t limit) = 0;
  /// The receiver has everything up to `place`; nothing was in vain since.
  virtual void told(TenantId tenant, NoticePlace place) = 0;
  /// The turn is over; the next one isn't before `next`.
  virtual void done(TenantId tenant, bool in_vain, std::chrono::sys_seconds next) = 0;
  /// Gives back what an earlier run of this instance took.
  virtual void release() = 0;

  virtual Backlog backlog() = 0;
};

}  // namespace letterbox::storage
