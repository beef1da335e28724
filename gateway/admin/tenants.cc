#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/directory/names.h"

namespace letterbox::gateway::admin {

void add_tenant(storage::Store& store, const std::string& name, std::ostream& out) {
  if (!is_tenant_name(name)) {
    throw Error(ErrorCode::kUsage, name + ": isn't a tenant's name, like hospital.example");
  }
  make_tenant(store, name);
  out << "tenant " << name << " made\n";
}

void list_tenants(storage::Store& store, std::ostream& out) {
  for (const storage::Tenant& tenant : store.tenants().list()) {
    if (tenant.id != storage::kGateway) out << tenant.name << "\n";
  }
}

}  // namespace letterbox::gateway::admin
