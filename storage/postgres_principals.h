#pragma once

#include <pqxx/pqxx>

#include "storage/pool.h"
#include "storage/principal_store.h"

namespace letterbox::storage {

class PostgresPrincipals final : public PrincipalStore {
 public:
  explicit PostgresPrincipals(Pool& pool) : pool_(pool) {}

  Principal make(TenantId tenant, const std::string& handle, PrincipalKind kind,
                 const AuditEvent& event) override;
  std::optional<Principal> find(TenantId tenant, const Uuid& id) override;
  std::optional<Principal> find_handle(TenantId tenant, const std::string& handle) override;
  std::vector<Principal> list(TenantId tenant) override;
  bool revoke(TenantId tenant, const Uuid& id, const AuditEvent& event) override;

 private:
  Pool& pool_;
};

// The steps that others' transactions take here.

PrincipalKind kind_of(const pqxx::field& field);

/// Nothing if the handle is taken.
std::optional<Principal> insert_principal(pqxx::work& transaction, TenantId tenant,
                                          const std::string& handle, PrincipalKind kind);
/// Holds a principal as it is, unrevoked or revoked, until the transaction ends.
std::optional<Principal> hold_principal(pqxx::work& transaction, TenantId tenant, const Uuid& id);
std::optional<Principal> hold_principal(pqxx::work& transaction, TenantId tenant,
                                        const std::string& handle);
/// Throws Error kNotFound if there is none, kConflict if it is revoked.
const Principal& require_active(const std::optional<Principal>& held);

}  // namespace letterbox::storage
