// Mailboxes: named lists of recipients, for those who can configure a URL and nothing else.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

struct Mailbox {
  std::string name;
  std::set<std::string> recipients;  ///< handles, of principals or of those who are yet to come
  std::set<Uuid> depositors;         ///< principals that may put something in
  /// How quiet a study must have been before it is delivered (storage/study_store.h); 0: with each
  /// request.
  std::chrono::seconds closes_after{60};
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class MailboxStore {
 public:
  virtual ~MailboxStore() = default;

  /// Makes it, or puts it in the place of the one with its name. Throws Error kNotFound if a
  /// depositor is no principal of this tenant, kInternal if `closes_after` isn't 0 to 30 minutes.
  virtual void put(TenantId tenant, const Mailbox& mailbox, const AuditEvent& event) = 0;
  virtual std::optional<Mailbox> find(TenantId tenant, const std::string& name) = 0;
  /// By name, bytewise.
  virtual std::vector<Mailbox> list(TenantId tenant) = 0;
  /// Its machine tokens go with it. False if there was none.
  virtual bool remove(TenantId tenant, const std::string& name, const AuditEvent& event) = 0;
};

}  // namespace letterbox::storage
