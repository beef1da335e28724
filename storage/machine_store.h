// How machines are known: by the key in their client certificate, or by a token.
//
// A machine's request names no tenant; these lookups find it. So a certificate's key and a token
// belong to one tenant of the whole gateway.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "storage/address_range.h"
#include "storage/audit_store.h"
#include "storage/principal_store.h"
#include "storage/tenant_store.h"

namespace letterbox::storage {

struct Certificate {
  Digest spki_sha256;  ///< of the SubjectPublicKeyInfo, DER
  Uuid principal;
  std::chrono::sys_seconds added;
  std::optional<std::chrono::sys_seconds> revoked;
};

struct NewMachineToken {
  Digest sha256;  ///< of the 256-bit token; the token itself is kept nowhere
  Uuid principal;
  std::string mailbox;  ///< the one that it may deposit to
  AddressRange range;   ///< the one that it may come from
};

struct MachineToken : NewMachineToken {
  std::chrono::sys_seconds added;
  std::optional<std::chrono::sys_seconds> revoked;
};

/// Who is calling.
struct Machine {
  TenantId tenant;
  Uuid principal;
  std::string handle;
  std::optional<std::string> mailbox;  ///< if by a token
};

/// Thread-safe. Every call may throw Error kUnavailable; a call that returned is durable.
class MachineStore {
 public:
  virtual ~MachineStore() = default;

  /// Throws Error kConflict if the key was ever added, here or in another tenant, or the principal
  /// is revoked or no machine; kNotFound if there is no such principal.
  virtual void add_certificate(TenantId tenant, const Uuid& principal, const Digest& spki_sha256,
                               const AuditEvent& event) = 0;
  /// Final. True if this call did it, false if it was done before. Throws Error kNotFound.
  virtual bool revoke_certificate(TenantId tenant, const Digest& spki_sha256,
                                  const AuditEvent& event) = 0;
  /// By time then digest; the revoked too.
  virtual std::vector<Certificate> certificates(TenantId tenant) = 0;
  /// Nothing if unknown, or it or its principal is revoked.
  virtual std::optional<Machine> find_certificate(const Digest& spki_sha256) = 0;

  /// Throws as add_certificate, and Error kNotFound if there is no such mailbox.
  virtual void add_token(TenantId tenant, const NewMachineToken& token,
                         const AuditEvent& event) = 0;
  /// Final. True if this call did it, false if it was done before. Throws Error kNotFound.
  virtual bool revoke_token(TenantId tenant, const Digest& sha256, const AuditEvent& event) = 0;
  /// By time then digest; the revoked too.
  virtual std::vector<MachineToken> tokens(TenantId tenant) = 0;
  /// Nothing if unknown, or `peer` lies outside its range, or it or its principal is revoked.
  virtual std::optional<Machine> find_token(const Digest& sha256, const std::string& peer) = 0;
};

}  // namespace letterbox::storage
