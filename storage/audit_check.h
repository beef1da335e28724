// What both stores refuse to write into the audit trail.
#pragma once

#include "storage/audit_store.h"

namespace letterbox::storage {

/// Throws Error kInternal unless the device is a key id and the peer an address, where there are
/// any.
void require_sound(const AuditEvent& event);

}  // namespace letterbox::storage
