#include "gateway/directory/revoke.h"

#include "records/device_record.h"
#include "records/revocation.h"

namespace letterbox::gateway {

bool revoke_device(storage::Store& store, storage::TenantId tenant, const storage::Device& device,
                   const crypto::SigningKey& gateway_key, const storage::AuditEvent& event) {
  const records::Envelope record = records::parse_envelope(device.record);
  const records::Envelope revocation =
      records::sign_revocation({.device = records::payload_hash(record),
                                .revoked_by = records::RevokedBy::kGateway,
                                .signing_key = gateway_key.verify_key(),
                                .created = records::now()},
                               gateway_key);
  return store.devices().revoke(tenant, device.recipient, records::to_json(revocation), event);
}

bool revoke_principal(storage::Store& store, storage::TenantId tenant,
                      const storage::Principal& principal, const crypto::SigningKey& gateway_key,
                      const storage::AuditEvent& event) {
  // The principal first: from then on no further device of theirs comes in.
  const bool done = store.principals().revoke(tenant, principal.id, event);
  for (const storage::Device& device : store.devices().list(tenant, principal.handle)) {
    if (!device.revoked) revoke_device(store, tenant, device, gateway_key, event);
  }
  return done;
}

}  // namespace letterbox::gateway
