#include "gateway/audit/syslog.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "records/time.h"

namespace letterbox::gateway::audit {

std::string syslog_hostname() {
  std::array<char, 256> buffer{};  // at most 255 characters, and the zero stays
  if (gethostname(buffer.data(), buffer.size() - 1) != 0) return "-";
  std::string name(buffer.data());
  const bool fits =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return name.empty() || !fits ? "-" : name;
}

std::string syslog_frame(const storage::AuditRecord& record, std::string_view hostname,
                         std::string_view message) {
  // Facility 10, security: 10 * 8; severity 5, normal but significant, or 4, a warning.
  const bool success = record.event.outcome == storage::AuditOutcome::kSuccess;
  std::string line = success ? "<85>1 " : "<84>1 ";
  line += records::to_text(record.when);
  line += ' ';
  line += hostname;
  // No process id: it would be that of the export, and another one each time. No structured data:
  // names of our own need an enterprise number.
  line += " letterboxd - DICOM+RFC3881 - ";
  line += "\xEF\xBB\xBF";  // RFC 5424 section 6.4: what is UTF-8 begins with the mark
  line += message;
  return std::to_string(line.size()) + ' ' + line;
}

}  // namespace letterbox::gateway::audit
