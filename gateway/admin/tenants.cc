#include <type_traits>

#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/amount.h"
#include "gateway/directory/names.h"

namespace letterbox::gateway::admin {

void add_tenant(storage::Store& store, const std::string& name, std::ostream& out,
                std::uint64_t quota) {
  if (!is_tenant_name(name)) {
    throw Error(ErrorCode::kUsage, name + ": isn't a tenant's name, like hospital.example");
  }
  make_tenant(store, name, quota);
  out << "tenant " << name << " made\n";
}

void list_tenants(storage::Store& store, std::ostream& out) {
  for (const storage::Tenant& tenant : store.tenants().list()) {
    if (tenant.id != storage::kGateway) out << tenant.name << "\n";
  }
}

namespace {

constexpr const char* kDefault = "default";
constexpr std::uint64_t kMostDays = 3650;
constexpr std::uint64_t kMostDownloads = 1'000'000;

// Sets `limit` to what is given, if anything is.
template <typename Value>
void set(std::optional<Value>& limit, const std::string& given,
         std::optional<std::uint64_t> (*parse)(std::string_view), std::uint64_t least,
         std::uint64_t most) {
  if (given.empty()) return;
  if (given == kDefault) {
    limit.reset();
    return;
  }
  const std::optional<std::uint64_t> value = parse(given);
  if (!value || *value < least || *value > most) {
    throw Error(ErrorCode::kUsage, given + ": isn't between " + std::to_string(least) + " and " +
                                       std::to_string(most) + ", nor \"default\"");
  }
  if constexpr (std::is_integral_v<Value>) {
    limit = static_cast<Value>(*value);
  } else {
    limit = Value(*value);
  }
}

std::string days_text(const std::optional<std::chrono::days>& days) {
  return days ? std::to_string(days->count()) + " days" : kDefault;
}

std::string number_text(const std::optional<std::uint32_t>& number) {
  return number ? std::to_string(*number) : kDefault;
}

}  // namespace

void tenant_limits(storage::Store& store, const LimitOptions& options, std::ostream& out) {
  const storage::TenantId tenant = find_tenant(store, options.tenant);
  const storage::TenantLimits before = store.tenants().limits(tenant);
  storage::TenantLimits limits = before;
  set(limits.quota, options.quota, parse_size, 0, INT64_MAX);
  set(limits.default_life, options.life, parse_number, 1, kMostDays);
  set(limits.longest_life, options.longest_life, parse_number, 1, kMostDays);
  set(limits.default_downloads, options.downloads, parse_number, 1, kMostDownloads);
  set(limits.most_downloads, options.most_downloads, parse_number, 1, kMostDownloads);
  if (limits != before) store.tenants().set_limits(tenant, limits, kOnTheHost);
  out << "quota           " << (limits.quota ? size_text(*limits.quota) : "none") << ", "
      << store.blobs().used(tenant) << " bytes used\n"
      << "life            " << days_text(limits.default_life) << "\n"
      << "longest life    " << days_text(limits.longest_life) << "\n"
      << "downloads       " << number_text(limits.default_downloads) << "\n"
      << "most downloads  " << number_text(limits.most_downloads) << "\n";
}

}  // namespace letterbox::gateway::admin
