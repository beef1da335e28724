#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/directory/revoke.h"
#include "gateway/notices/courier.h"
#include "records/time.h"

namespace letterbox::gateway::admin {

void list_principals(storage::Store& store, const std::string& tenant, std::ostream& out) {
  for (const storage::Principal& principal : store.principals().list(find_tenant(store, tenant))) {
    out << principal.handle << "  " << storage::to_text(principal.kind) << "  "
        << principal.id.text() << "  since " << records::to_text(principal.created);
    if (principal.revoked) out << "  revoked " << records::to_text(*principal.revoked);
    out << "\n";
  }
}

void principal_mail(storage::Store& store, const std::string& handle, const std::string& address,
                    bool off, std::ostream& out) {
  if (off && !address.empty())
    throw Error(ErrorCode::kUsage, "--off and an address say two things");
  if (!address.empty() && !is_mail_address(address)) {
    throw Error(ErrorCode::kUsage, address + ": isn't a plain mail address");
  }
  const records::Handle whose = parse_handle(handle);
  const storage::Principal principal = find_principal(store, whose);
  const storage::TenantId tenant = find_tenant(store, whose.tenant());
  storage::AuditEvent event = kOnTheHost;
  event.object = principal.id;
  if (off) store.mail().put(tenant, principal.id, std::nullopt, event);
  if (!address.empty()) store.mail().put(tenant, principal.id, address, event);
  out << handle << "  " << store.mail().find(tenant, principal.id).value_or("no mail") << "\n";
}

void revoke_principal(storage::Store& store, const crypto::SigningKey& gateway_key,
                      const std::string& handle, std::ostream& out) {
  const records::Handle whose = parse_handle(handle);
  const storage::Principal principal = find_principal(store, whose);
  const bool done = gateway::revoke_principal(store, find_tenant(store, whose.tenant()), principal,
                                              gateway_key, revocation_on_the_host(principal.id));
  out << handle << (done ? " revoked\n" : " was revoked before\n");
}

}  // namespace letterbox::gateway::admin
