// Audit messages as syslog carries them: RFC 5424, with the values that DICOM PS3.15 A.6 wants.
#pragma once

#include <string>
#include <string_view>

#include "storage/audit_store.h"

namespace letterbox::gateway::audit {

/// This host's name as RFC 5424 section 6.2.4 takes it, or "-".
std::string syslog_hostname();

/// One frame with octet counting (RFC 5425 section 4.3, RFC 6587 section 3.4.1): the record's time
/// and outcome in the header, `message` (an AuditMessage, UTF-8) behind it. The same record on the
/// same host makes the same bytes.
std::string syslog_frame(const storage::AuditRecord& record, std::string_view hostname,
                         std::string_view message);

}  // namespace letterbox::gateway::audit
