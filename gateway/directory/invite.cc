#include "gateway/directory/invite.h"

#include "base/error.h"

namespace letterbox::gateway {

void invite(storage::Store& store, storage::TenantId tenant, const records::Handle& handle,
            storage::PrincipalKind kind, const Token& token, records::Time expires,
            const std::optional<Uuid>& made_by, const storage::AuditEvent& event) {
  const auto holder = store.principals().find_handle(tenant, handle.text());
  if (holder && (holder->revoked || holder->kind != kind)) {
    throw Error(ErrorCode::kConflict,
                "the handle is taken for good: by somebody who was revoked, or of another kind");
  }
  store.invitations().make(tenant,
                           {.token_sha256 = token.sha256(),
                            .handle = handle.text(),
                            .kind = kind,
                            .expires = expires,
                            .made_by = made_by},
                           event);
}

}  // namespace letterbox::gateway
