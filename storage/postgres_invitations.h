#pragma once

#include "storage/invitation_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresInvitations final : public InvitationStore {
 public:
  explicit PostgresInvitations(Pool& pool) : pool_(pool) {}

  void make(TenantId tenant, const NewInvitation& invitation, const AuditEvent& event) override;
  std::vector<Invitation> list(TenantId tenant) override;
  std::optional<Principal> redeem(TenantId tenant, const Digest& token_sha256,
                                  const NewDevice& device, const AuditEvent& event) override;
  bool withdraw(TenantId tenant, const Digest& token_sha256, const AuditEvent& event) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
