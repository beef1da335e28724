#include "gateway/notices/webhooks.h"

#include <chrono>

#include "base/error.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "gateway/notices/notice_json.h"
#include "gateway/notices/pause_after.h"
#include "records/content_digest.h"
#include "records/http_signature.h"
#include "records/target_uri.h"

namespace letterbox::gateway {

namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 1s;
// A turn ends with its first failure, so it takes a moment for each notice and one long wait at the
// most. Of a gateway that was killed within one, others wait so long.
constexpr std::size_t kTurn = 20;
constexpr auto kTurnTime = 30s;
constexpr auto kTurnHeld = 60s;
constexpr const char* kMediaType = "application/json";

}  // namespace

Post webhook_post(const storage::Webhook& webhook, const storage::Notice& notice,
                  const crypto::SigningKey& gateway_key) {
  const std::string url = records::TargetUri::parse(webhook.url).text();
  const std::string body = notice_json(notice);
  const std::string digest = records::content_digest(crypto::sha256(as_bytes(body)));
  const auto lines = [&](std::string_view name) -> std::vector<std::string> {
    if (name == "content-type") return {kMediaType};
    if (name == "content-digest") return {digest};
    return {};
  };
  const records::SignatureFields signature = records::sign_request(
      {"POST", url, lines}, {.created = records::now(), .nonce = Uuid::v7().text()}, gateway_key);
  return {url,
          webhook.authority,
          {std::string("Content-Type: ") + kMediaType, "Content-Digest: " + digest,
           "Signature-Input: " + signature.signature_input, "Signature: " + signature.signature,
           "User-Agent: letterbox", "Expect:"},
          body};
}

Webhooks::Webhooks(storage::Store& store, const crypto::SigningKey& gateway_key, Metrics& metrics)
    : store_(store),
      gateway_key_(gateway_key),
      metrics_(metrics),
      repeated_(kLookEvery, "notices not sent to a webhook; tried again", [this] { send(); }) {}

void Webhooks::send() {
  storage::WebhookStore& webhooks = store_.webhooks();
  if (!released_) webhooks.release();
  released_ = true;
  while (!stopping_) {
    const auto now = records::now();
    const auto turn = webhooks.take(now, now + kTurnHeld, kTurn);
    if (!turn) return;
    const unsigned failures = send(*turn);
    if (stopping_) {
      webhooks.release();
      return;
    }
    const auto pause = failures == 0 ? 0s : pause_after(failures - 1);
    webhooks.done(turn->tenant, failures > 0, records::now() + pause);
  }
}

unsigned Webhooks::send(const storage::WebhookTurn& turn) {
  unsigned failures = turn.failures;
  const auto end = std::chrono::steady_clock::now() + kTurnTime;
  for (const storage::Notice& notice : turn.notices) {
    if (stopping_ || std::chrono::steady_clock::now() > end) return 0;
    try {
      const int status = post(webhook_post(turn.webhook, notice, gateway_key_), stopping_);
      if (status < 200 || status >= 300) {
        throw Error(ErrorCode::kNetwork, "answered with status " + std::to_string(status));
      }
    } catch (const Error& error) {
      if (stopping_) return 0;
      metrics_.told("webhook", false);
      // Its receiver may be away for days: told once.
      if (failures == 0) {
        log::error("a webhook's receiver can't be told; tried again", error,
                   {{"tenant", turn.tenant.uuid.text()}});
      }
      return failures + 1;
    }
    store_.webhooks().told(turn.tenant, notice.place);
    failures = 0;
    metrics_.told("webhook", true);
  }
  return 0;
}

}  // namespace letterbox::gateway
