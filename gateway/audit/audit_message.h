// One record of the audit trail as other systems read it: an AuditMessage of DICOM PS3.15 A.5,
// which IHE's Record Audit Event (ITI-20) carries. docs/conformance.md has the table of what
// becomes what.
#pragma once

#include <string>

#include "base/uuid.h"
#include "storage/audit_store.h"

namespace letterbox::gateway::audit {

/// Who keeps the trail (PS3.15 A.5.2, AuditSourceIdentification).
struct AuditSource {
  Uuid gateway;        ///< the instance of the data directory: AuditSourceID
  std::string tenant;  ///< a name: AuditEnterpriseSiteID
};

/// The XML document, UTF-8 in ASCII characters alone, in one line. It says of a record what the
/// record says, and that is ids of ours, a key id and an address: no handle, no patient, no study.
std::string audit_message(const storage::AuditRecord& record, const AuditSource& source);

}  // namespace letterbox::gateway::audit
