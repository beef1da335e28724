#pragma once

#include "storage/machine_store.h"
#include "storage/pool.h"

namespace letterbox::storage {

class PostgresMachines final : public MachineStore {
 public:
  explicit PostgresMachines(Pool& pool) : pool_(pool) {}

  void add_certificate(TenantId tenant, const Uuid& principal, const Digest& spki_sha256,
                       const AuditEvent& event) override;
  bool revoke_certificate(TenantId tenant, const Digest& spki_sha256,
                          const AuditEvent& event) override;
  std::vector<Certificate> certificates(TenantId tenant) override;
  std::optional<Machine> find_certificate(const Digest& spki_sha256) override;
  void add_token(TenantId tenant, const NewMachineToken& token, const AuditEvent& event) override;
  bool revoke_token(TenantId tenant, const Digest& sha256, const AuditEvent& event) override;
  std::vector<MachineToken> tokens(TenantId tenant) override;
  std::optional<Machine> find_token(const Digest& sha256, const std::string& peer) override;

 private:
  Pool& pool_;
};

}  // namespace letterbox::storage
