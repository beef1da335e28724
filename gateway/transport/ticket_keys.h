// What session tickets are sealed with.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <mutex>

#include "base/secret.h"

namespace letterbox::gateway::transport {

/// Keys of RFC 5077 tickets, and of TLS 1.3's alike. Whoever learns a key can read what was sent
/// under its tickets in TLS 1.2, and which client is which in both, so keys are changed every hour
/// and forgotten an hour later. OpenSSL by itself would keep one for as long as the process lives.
/// Thread-safe.
class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kPeriod{1};

  /// Makes `context` use these; they must outlive it.
  void serve(SSL_CTX* context);

  /// For SSL_CTX_set_tlsext_ticket_key_evp_cb: readies the contexts to seal (`seal` is not 0) or to
  /// open a ticket. Returns as that says.
  int use(Clock::time_point now, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
          EVP_MAC_CTX* mac, int seal);

 private:
  struct Key {
    std::array<Byte, 16> name{};
    Secret<32> cipher;
    Secret<32> mac;
    Clock::time_point made;
    bool exists = false;
  };
  bool renew(Clock::time_point now);

  std::mutex mutex_;
  Key current_;
  Key previous_;
};

}  // namespace letterbox::gateway::transport
