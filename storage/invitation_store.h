// Invitations: each lets one device in, once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "storage/audit_store.h"
#include "storage/device_store.h"
#include "storage/principal_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

struct NewInvitation {
  Digest token_sha256;  ///< of the 256-bit token; the token itself is kept nowhere
  std::string handle;
  PrincipalKind kind;
  std::chrono::sys_seconds expires;
  std::optional<Uuid> made_by = {};  ///< a principal; absent: the host
};

struct Invitation : NewInvitation {
  std::chrono::sys_seconds made;
  std::optional<std::chrono::sys_seconds> redeemed;
  std::optional<std::string> redeemed_by;  ///< key id of the device
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class InvitationStore {
 public:
  virtual ~InvitationStore() = default;

  /// Throws Error kConflict if the token is taken, kNotFound if there is no such maker.
  virtual void make(TenantId tenant, const NewInvitation& invitation, const AuditEvent& event) = 0;
  /// By time then digest; redeemed and expired ones too.
  virtual std::vector<Invitation> list(TenantId tenant) = 0;
  /// Lets `device` in: uses the invitation up, makes the principal if its handle is new, and adds
  /// the device, all in one transaction; `event` gets that principal. Of many at once one succeeds.
  /// Nothing, and nothing is changed, if the token is unknown, used, expired, for another handle
  /// than the device's, or for a principal who is revoked or of another kind: which of these, the
  /// caller can't tell. Throws Error kConflict if the device's keys are taken (DeviceStore::add);
  /// the invitation is still good then.
  virtual std::optional<Principal> redeem(TenantId tenant, const Digest& token_sha256,
                                          const NewDevice& device, const AuditEvent& event) = 0;
  /// Takes back what nobody has redeemed: it can't be redeemed any more, and isn't listed any more.
  /// False if there is none such.
  virtual bool withdraw(TenantId tenant, const Digest& token_sha256, const AuditEvent& event) = 0;
};

}  // namespace letterbox::storage
