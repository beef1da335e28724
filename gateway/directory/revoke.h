// Taking people's and machines' access away, in an administrator's name.
#pragma once

#include "crypto/signing.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// Files a revocation of `device` that the gateway signs, so that senders' clients, who go by what
/// was signed, heed it too. True if this call did it, false if it was revoked before. Thread-safe.
bool revoke_device(storage::Store& store, storage::TenantId tenant, const storage::Device& device,
                   const crypto::SigningKey& gateway_key, const storage::AuditEvent& event);

/// Revokes a principal, and each of its devices as revoke_device does; its certificates and tokens
/// are void with it. May be called again should it have broken off: true if this call revoked the
/// principal, false if it had been before. Throws Error kNotFound. Thread-safe.
bool revoke_principal(storage::Store& store, storage::TenantId tenant,
                      const storage::Principal& principal, const crypto::SigningKey& gateway_key,
                      const storage::AuditEvent& event);

}  // namespace letterbox::gateway
