// Who is calling, once that is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/uuid.h"
#include "records/devices.h"
#include "records/handle.h"
#include "storage/audit_store.h"
#include "storage/principal_store.h"
#include "storage/tenant_store.h"

namespace letterbox::gateway {

enum class Role : std::uint8_t {
  kAnybody,        ///< showed nothing
  kApplicant,      ///< a device that isn't its owner's yet: it waits, or nothing vouches for it
  kPerson,         ///< an active device of a person
  kAdministrator,  ///< an active device of an administrator
  kMachine,        ///< a client certificate, or a machine token
};

/// What authenticate() found (authentication.h). Immutable after that.
struct Caller {
  Role role = Role::kAnybody;
  storage::PrincipalKind principal_kind = storage::PrincipalKind::kPerson;
  /// The only one whose records this caller's request may touch.
  storage::TenantId tenant = storage::kGateway;
  std::optional<Uuid> principal = {};          ///< of all but kAnybody
  std::optional<records::Handle> handle = {};  ///< of all but kAnybody
  std::optional<records::Device> device = {};  ///< of those who sign
  std::optional<std::string> mailbox = {};     ///< the one that a machine token is for
  std::optional<Digest> announced_body = {};   ///< what the signed Content-Digest says
  std::string address = {};                    ///< the peer's

  /// What this caller does, for the audit trail.
  storage::AuditEvent did(storage::AuditKind kind, const std::optional<Uuid>& object = {}) const {
    return {
        .kind = kind,
        .principal = principal,
        .device = device ? std::optional(device->record.signing_key.fingerprint()) : std::nullopt,
        // Without the zone that a link-local address may have (RFC 4007 section 11).
        .peer =
            address.empty() ? std::nullopt : std::optional(address.substr(0, address.find('%'))),
        .object = object};
  }
};

}  // namespace letterbox::gateway
