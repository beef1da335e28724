#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "records/target_uri.h"

namespace letterbox::gateway::admin {

namespace {

// In the one form that is signed for.
std::string url_of(const std::string& given) {
  constexpr const char* kForm = ": must be https://HOST/…, without user, password and fragment";
  try {
    const auto url = records::TargetUri::parse(given);
    if (url.scheme == "https") return url.text();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed) throw;
  }
  throw Error(ErrorCode::kUsage, given + kForm);
}

}  // namespace

void tenant_webhook(storage::Store& store, const WebhookOptions& options, std::ostream& out) {
  if (options.off && !options.url.empty()) {
    throw Error(ErrorCode::kUsage, "--off and --url say two things");
  }
  if (options.url.empty() && !options.authority.empty()) {
    throw Error(ErrorCode::kUsage, "--ca is for an --url");
  }
  storage::WebhookStore& webhooks = store.webhooks();
  const storage::TenantId tenant = find_tenant(store, options.tenant);
  if (options.off) webhooks.put(tenant, std::nullopt, kOnTheHost);
  if (!options.url.empty()) {
    webhooks.put(tenant, storage::Webhook{url_of(options.url), options.authority}, kOnTheHost);
  }
  const auto webhook = webhooks.find(tenant);
  out << "webhook  " << (webhook ? webhook->url : "none") << "\n";
  if (webhook) {
    out << "trusts   " << (webhook->authority.empty() ? "whom the system trusts" : "its own CA")
        << "\n";
  }
}

}  // namespace letterbox::gateway::admin
