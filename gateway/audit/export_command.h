// letterboxd audit export: the audit trail for others, from the host.
#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"

namespace letterbox::gateway::audit {

/// What the command line says. One of `output` and `syslog` is given.
struct AuditExport {
  std::string tenant;              ///< its name; empty: all
  std::vector<std::string> after;  ///< ids of records, at most one a tenant
  std::string position;            ///< a file that keeps them from one time to the next; or empty
  std::string output;              ///< a file to make
  std::string syslog;              ///< a collector's HOST:PORT, with the PEM files that follow
  std::string authority;
  std::string certificate;
  std::string private_key;
};

/// Exports what is in the trail, to a file of syslog frames or to a collector, and prints how far:
/// one line a tenant, which begins with the id of the last record that is there now. That is
/// printed even if it throws: Error kUsage, kConfiguration, kFile, kNotFound (no such tenant, no
/// such record), kNetwork, and what opening the database throws.
void export_audit(const Config& config, const AuditExport& wanted);

}  // namespace letterbox::gateway::audit
