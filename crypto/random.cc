#include "crypto/random.h"

#include <openssl/rand.h>

#include "crypto/openssl.h"

namespace letterbox::crypto {

void fill_random(std::span<Byte> out) {
  openssl::require(RAND_priv_bytes(out.data(), static_cast<int>(out.size())),
                   "no random bytes to be had");
}

}  // namespace letterbox::crypto
