// The security audit trail: what happened, who did it, from where. It can be added to and read.
//
// A change and the record of it are one transaction: each method of a store that changes something
// takes an AuditEvent, and writes it if, and only if, it changes something. What changes nothing
// here (a login, a refusal, a collect) is appended by itself. An event whose device is no key id,
// or whose peer is no address, is a bug: Error kInternal, and nothing is changed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

/// Closed set: a switch over it has no `default`.
enum class AuditKind : std::uint8_t {
  kLogin,
  kEnrolment,
  kRevocation,
  kUpload,  ///< one was begun; that it became a file is a deposit
  kDeposit,
  kSharing,  ///< of a delivery: its recipients were changed, or a change was confirmed
  kExpiry,   ///< of a delivery: nobody did it
  kCollect,
  kRefusal,
  kAdministration,
};

enum class AuditOutcome : std::uint8_t { kSuccess, kFailure };

/// There is no free text in it, so that nothing of a patient gets in.
struct AuditEvent {
  AuditKind kind;
  AuditOutcome outcome = AuditOutcome::kSuccess;
  std::optional<Uuid> principal = {};      ///< who did it; absent: the host, or nobody known
  std::optional<std::string> device = {};  ///< key id of the device that signed
  std::optional<std::string> peer = {};    ///< IPv4 or IPv6 address, without port, zone or range
  std::optional<Uuid> object = {};         ///< of ours: a delivery, a file, a principal
};

struct AuditRecord {
  Uuid id;
  std::chrono::sys_seconds when;
  AuditEvent event;
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class AuditStore {
 public:
  virtual ~AuditStore() = default;

  /// Throws Error kNotFound if there is no such tenant.
  virtual void append(TenantId tenant, const AuditEvent& event) = 0;
  /// In the order they were written, from after `after`; at most `limit`. Whoever goes on from the
  /// last one read misses none: nothing ever comes in before a record that was read. Throws Error
  /// kNotFound if `after` is no record of this tenant.
  virtual std::vector<AuditRecord> read(TenantId tenant, const std::optional<Uuid>& after,
                                        std::size_t limit) = 0;
};

}  // namespace letterbox::storage
