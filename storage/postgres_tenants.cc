#include "storage/postgres_tenants.h"

#include "base/error.h"
#include "storage/postgres_values.h"

namespace letterbox::storage {

TenantId PostgresTenants::make(const std::string& name) {
  const TenantId tenant{Uuid::v7()};
  const auto made = pool_.transact([&](pqxx::work& transaction, Connection&) {
    return transaction
        .exec_params("INSERT INTO tenant (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                     tenant.uuid.text(), binary(name))
        .affected_rows();
  });
  if (made == 0) throw Error(ErrorCode::kConflict, "a tenant has this name already");
  return tenant;
}

std::optional<TenantId> PostgresTenants::find(const std::string& name) {
  return pool_.read([&](auto& snapshot) -> std::optional<TenantId> {
    const pqxx::result rows =
        snapshot.exec_params("SELECT id FROM tenant WHERE name = $1", binary(name));
    if (rows.empty()) return std::nullopt;
    return TenantId{uuid_of(rows[0]["id"])};
  });
}

std::vector<Tenant> PostgresTenants::list() {
  return pool_.read([&](auto& snapshot) {
    std::vector<Tenant> tenants;
    for (const pqxx::row& row : snapshot.exec("SELECT id, name FROM tenant ORDER BY name")) {
      tenants.push_back({{uuid_of(row["id"])}, row["name"].template as<std::string>()});
    }
    return tenants;
  });
}

}  // namespace letterbox::storage
