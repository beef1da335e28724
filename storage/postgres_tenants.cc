#include "storage/postgres_tenants.h"

#include "base/error.h"
#include "storage/postgres_audit.h"
#include "storage/postgres_values.h"
#include "storage/tenant_check.h"

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

namespace {

template <typename Number>
std::optional<Number> optional_number(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return Number(field.as<typename std::conditional_t<std::is_integral_v<Number>, Number, int>>());
}

template <typename Number>
std::optional<std::string> text_of_number(const std::optional<Number>& number) {
  if (!number) return std::nullopt;
  if constexpr (std::is_integral_v<Number>) {
    return std::to_string(*number);
  } else {
    return std::to_string(number->count());
  }
}

}  // namespace

TenantLimits PostgresTenants::limits(TenantId tenant) {
  const pqxx::result rows = pool_.ask(
      "SELECT default_life, longest_life, default_downloads, most_downloads, quota"
      "  FROM tenant WHERE id = $1",
      tenant.uuid.text());
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such tenant");
  const pqxx::row row = rows[0];
  return {optional_number<std::chrono::days>(row[0]), optional_number<std::chrono::days>(row[1]),
          optional_number<std::uint32_t>(row[2]), optional_number<std::uint32_t>(row[3]),
          optional_number<std::uint64_t>(row[4])};
}

void PostgresTenants::set_limits(TenantId tenant, const TenantLimits& limits,
                                 const AuditEvent& event) {
  require_sound(limits);
  const auto default_life = text_of_number(limits.default_life);
  const auto longest_life = text_of_number(limits.longest_life);
  const auto default_downloads = text_of_number(limits.default_downloads);
  const auto most_downloads = text_of_number(limits.most_downloads);
  const auto quota = text_of_number(limits.quota);
  pool_.transact([&](pqxx::work& transaction, Connection&) {
    const pqxx::result changed = transaction.exec_params(
        R"SQL(
        UPDATE tenant
           SET (default_life, longest_life, default_downloads, most_downloads, quota)
                 = ($2::int, $3::int, $4::bigint, $5::bigint, $6::bigint)
         WHERE id = $1
           AND (default_life, longest_life, default_downloads, most_downloads, quota)
                 IS DISTINCT FROM ($2::int, $3::int, $4::bigint, $5::bigint, $6::bigint))SQL",
        tenant.uuid.text(), or_null(default_life), or_null(longest_life),
        or_null(default_downloads), or_null(most_downloads), or_null(quota));
    if (changed.affected_rows() > 0) {
      record(transaction, tenant, event);
    } else if (transaction.exec_params("SELECT FROM tenant WHERE id = $1", tenant.uuid.text())
                   .empty()) {
      throw Error(ErrorCode::kNotFound, "there is no such tenant");
    }
  });
}

}  // namespace letterbox::storage
