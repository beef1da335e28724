#include "crypto/chunk.h"

#include "base/error.h"
#include "crypto/kdf.h"

namespace letterbox::crypto {

Secret<32> payload_key(const FileKey& file_key, const PayloadNonce& nonce) {
  return hkdf_sha256(file_key.reveal(), nonce, "payload");
}

AeadNonce chunk_nonce(std::uint64_t index, bool is_final) {
  if (index == UINT64_MAX)
    throw Error(ErrorCode::kTooLarge, "a payload of 2^64 chunks can't be numbered");
  AeadNonce nonce{};
  for (std::size_t i = 11; i-- > 3; index >>= 8) nonce[i] = static_cast<Byte>(index & 0xff);
  nonce[11] = is_final ? 1 : 0;
  return nonce;
}

}  // namespace letterbox::crypto
