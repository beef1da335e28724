#include "gateway/transport/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <utility>

namespace letterbox::gateway::transport {

namespace {

constexpr std::size_t kIvBytes = 16;  // of AES-256-CBC
constexpr int kFailed = -1;
constexpr int kNoSuchKey = 0;  // the client makes a full handshake
constexpr int kDone = 1;
constexpr int kDoneAndRenew = 2;  // the client gets a new ticket

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int seal) {
  auto* const keys = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return keys->use(TicketKeys::Clock::now(), name, iv, cipher, mac, seal);
}

bool ready(const Secret<32>& cipher_key, const Secret<32>& mac_key, const unsigned char* iv,
           EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool seal) {
  std::string digest = "SHA256";
  // OSSL_PARAM isn't for const; nothing is written.
  auto* const key = const_cast<Byte*>(mac_key.reveal().data());
  const std::array parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, Secret<32>::kSize),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), cipher_key.reveal().data(), iv, seal ? 1 : 0,
                            nullptr) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

}  // namespace

void TicketKeys::serve(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

bool TicketKeys::renew(Clock::time_point now) {
  if (current_.exists && now - current_.made < kPeriod) return true;
  Key fresh;
  if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
      RAND_priv_bytes(fresh.cipher.reveal().data(), fresh.cipher.kSize) != 1 ||
      RAND_priv_bytes(fresh.mac.reveal().data(), fresh.mac.kSize) != 1) {
    return false;
  }
  fresh.made = now;
  fresh.exists = true;
  // After a long silence even the last key is too old.
  const bool recent = now - current_.made < 2 * kPeriod;
  previous_ = recent ? std::move(current_) : Key();
  current_ = std::move(fresh);
  return true;
}

int TicketKeys::use(Clock::time_point now, unsigned char* name, unsigned char* iv,
                    EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const std::lock_guard lock(mutex_);
  if (!renew(now)) return kFailed;
  if (seal != 0) {
    std::copy(current_.name.begin(), current_.name.end(), name);
    if (RAND_bytes(iv, kIvBytes) != 1) return kFailed;
    return ready(current_.cipher, current_.mac, iv, cipher, mac, true) ? kDone : kFailed;
  }
  for (const Key* key : {&current_, &previous_}) {
    if (!key->exists || !std::equal(key->name.begin(), key->name.end(), name)) continue;
    if (!ready(key->cipher, key->mac, iv, cipher, mac, false)) return kFailed;
    return key == &current_ ? kDone : kDoneAndRenew;
  }
  return kNoSuchKey;
}

}  // namespace letterbox::gateway::transport
