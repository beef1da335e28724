#include "gateway/admin/first_administrator.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/log.h"
#include "gateway/admin/host.h"
#include "gateway/admin/invitation_file.h"
#include "gateway/directory/invite.h"

namespace letterbox::gateway {

namespace {

constexpr std::chrono::hours kFirstInvitationLife{1};

bool has_administrator(storage::Store& store, storage::TenantId tenant) {
  const auto principals = store.principals().list(tenant);
  return std::any_of(principals.begin(), principals.end(), [](const auto& principal) {
    return principal.kind == storage::PrincipalKind::kAdministrator && !principal.revoked;
  });
}

bool is_one_invited(storage::Store& store, storage::TenantId tenant) {
  const auto invitations = store.invitations().list(tenant);
  return std::any_of(invitations.begin(), invitations.end(),
                     [now = records::now()](const auto& invitation) {
                       return invitation.kind == storage::PrincipalKind::kAdministrator &&
                              !invitation.redeemed && invitation.expires > now;
                     });
}

}  // namespace

void make_tenant_if_missing(storage::Store& store, const std::string& name, std::uint64_t quota) {
  if (!store.tenants().find(name)) make_tenant(store, name, quota);
}

std::optional<std::filesystem::path> invite_first_administrator(storage::Store& store,
                                                                const DataDirectory& data,
                                                                const std::string& tenant) {
  const std::filesystem::path file = data.root() / "first-administrator.json";
  const storage::TenantId id = find_tenant(store, tenant);
  if (has_administrator(store, id)) {
    std::filesystem::remove(file);
    return std::nullopt;
  }
  if (!is_one_invited(store, id)) {
    const records::Handle handle = parse_handle("administrator@" + tenant);
    if (store.principals().find_handle(id, handle.text())) {
      log::warn(
          "nobody administers the tenant, and the handle of the first administrator is taken for "
          "good; invite another: letterboxd admin invite HANDLE --administrator");
      return std::nullopt;
    }
    const Token token = Token::make();
    // Before it is filed: should this process end in between, nobody is invited, and the next start
    // does it again.
    write_file(file, invitation_file(data, handle, token).reveal(), 0600);
    invite(store, id, handle, storage::PrincipalKind::kAdministrator, token,
           records::now() + kFirstInvitationLife, std::nullopt, kOnTheHost);
  }
  if (!std::filesystem::exists(file)) return std::nullopt;
  return file;
}

}  // namespace letterbox::gateway
