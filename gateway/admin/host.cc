#include "gateway/admin/host.h"

#include "base/error.h"
#include "gateway/process.h"

namespace letterbox::gateway {

namespace {

DataDirectory open_data(const Config& config) {
  become_user(config.user, config.data);
  forbid_dumps();
  return DataDirectory(config.data);
}

}  // namespace

storage::AuditEvent revocation_on_the_host(const Uuid& object) {
  return {.kind = storage::AuditKind::kRevocation, .object = object};
}

Host::Host(const Config& config)
    : data_(open_data(config)), database_(config, data_, data_.try_lock()) {}

records::Handle parse_handle(const std::string& text) {
  const auto handle = records::Handle::parse(text);
  if (!handle) throw Error(ErrorCode::kUsage, text + ": isn't a handle, like name@tenant");
  return *handle;
}

void make_tenant(storage::Store& store, const std::string& name, std::uint64_t quota) {
  const storage::TenantId made = store.tenants().make(name);
  store.audit().append(made, kOnTheHost);  // its own transaction: there was no trail before
  if (quota > 0) store.tenants().set_limits(made, {.quota = quota}, kOnTheHost);
}

storage::TenantId find_tenant(storage::Store& store, const std::string& name) {
  if (const auto tenant = store.tenants().find(name)) return *tenant;
  throw Error(ErrorCode::kNotFound, "there is no tenant " + name +
                                        "; letterboxd admin tenant add makes one, and "
                                        "letterboxd admin tenant list shows those there are");
}

storage::Principal find_principal(storage::Store& store, const records::Handle& handle) {
  const storage::TenantId tenant = find_tenant(store, handle.tenant());
  auto principal = store.principals().find_handle(tenant, handle.text());
  if (!principal) throw Error(ErrorCode::kNotFound, handle.text() + " is nobody's handle");
  return *std::move(principal);
}

}  // namespace letterbox::gateway
