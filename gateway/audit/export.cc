#include "gateway/audit/export.h"

#include <algorithm>

#include "base/error.h"
#include "gateway/audit/audit_message.h"
#include "gateway/audit/syslog.h"

namespace letterbox::gateway::audit {

namespace {

bool holds(storage::AuditStore& trail, const storage::Tenant& tenant, const Uuid& id) try {
  trail.read(tenant.id, id, 1);
  return true;
} catch (const Error& error) {
  if (error.code() != ErrorCode::kNotFound) throw;
  return false;
}

}  // namespace

std::vector<Progress> begin_after(storage::AuditStore& trail,
                                  const std::vector<storage::Tenant>& tenants,
                                  const std::vector<Uuid>& after) {
  std::vector<Progress> all;
  all.reserve(tenants.size());
  for (const storage::Tenant& tenant : tenants) all.push_back({tenant});
  for (const Uuid& id : after) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Progress& progress) {
      return holds(trail, progress.tenant, id);
    });
    if (found == all.end()) {
      throw Error(ErrorCode::kNotFound, "no tenant's audit trail has the record " + id.text());
    }
    if (found->last) {
      throw Error(ErrorCode::kUsage, "two records to go on after are of one tenant; name one");
    }
    found->last = id;
  }
  return all;
}

void export_trail(storage::AuditStore& trail, const Uuid& gateway, Destination& destination,
                  Progress& progress, const std::function<void()>& delivered) {
  const AuditSource source{gateway, progress.tenant.name};
  const std::string hostname = syslog_hostname();
  std::vector<storage::AuditRecord> page;
  do {
    page = trail.read(progress.tenant.id, progress.last, kPage);
    if (page.empty()) return;
    std::string frames;
    for (const storage::AuditRecord& record : page) {
      frames += syslog_frame(record, hostname, audit_message(record, source));
    }
    destination.deliver(frames);
    progress.last = page.back().id;
    progress.records += page.size();
    delivered();
    // A page that isn't full was the last: a busy gateway's trail has no end to wait for.
  } while (page.size() == kPage);
}

}  // namespace letterbox::gateway::audit
