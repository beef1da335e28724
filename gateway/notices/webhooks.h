// Sends each tenant's notices to where it wants them.
#pragma once

#include <atomic>
#include <string>

#include "crypto/signing.h"
#include "gateway/metrics.h"
#include "gateway/notices/courier.h"
#include "gateway/repeated.h"
#include "storage/store.h"

namespace letterbox::gateway {

/// The POST that tells a receiver of one notice, signed by the gateway (RFC 9421). Throws Error
/// kMalformed if `webhook`'s URL is none that can be signed for.
Post webhook_post(const storage::Webhook& webhook, const storage::Notice& notice,
                  const crypto::SigningKey& gateway_key);

/// On a thread of its own for as long as it lives, one receiver at a time, whichever has been
/// waiting the longest. Each gets everything in order, each at least once: what it doesn't answer
/// with 2xx is sent again, and nothing behind it before. Several gateways may do it over one store.
class Webhooks {
 public:
  /// All three must outlive this.
  Webhooks(storage::Store& store, const crypto::SigningKey& gateway_key, Metrics& metrics);
  /// Breaks off what is being sent.
  ~Webhooks() { stopping_ = true; }
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  /// There may be something to send. Thread-safe.
  void wake() { repeated_.wake(); }

 private:
  void send();
  /// How often in a row it was in vain by now; 0 if nothing was.
  unsigned send(const storage::WebhookTurn& turn);

  storage::Store& store_;
  const crypto::SigningKey& gateway_key_;
  Metrics& metrics_;
  std::atomic<bool> stopping_ = false;
  bool released_ = false;
  Repeated repeated_;  // ends first: it draws on the rest
};

}  // namespace letterbox::gateway
