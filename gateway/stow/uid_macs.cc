#include "gateway/stow/uid_macs.h"

#include <algorithm>
#include <array>

#include "crypto/kdf.h"

namespace letterbox::gateway::stow {

// All but the last are of fixed length or end with a NUL that they can't hold, so no two different
// lists of values are the same bytes.
UidMacs::UidMacs(const Secret<32>& key, storage::TenantId tenant, std::string_view mailbox,
                 const Uuid& depositor)
    : key_(key) {
  whose_.append(as_text(tenant.uuid.bytes()));
  whose_.append(as_text(depositor.bytes()));
  whose_.append(mailbox).push_back('\0');
  const storage::Mac derived = mac("content key", {});
  std::copy(derived.begin(), derived.end(), content_key_.reveal().begin());
}

storage::Mac UidMacs::study(std::string_view study_uid) const {
  return mac("study", as_bytes(study_uid));
}

storage::Mac UidMacs::instance(std::string_view sop_instance_uid) const {
  return mac("instance", as_bytes(sop_instance_uid));
}

storage::Mac UidMacs::content(const crypto::Poly1305::Value& value, std::uint64_t size) const {
  std::array<Byte, sizeof value + sizeof size> both;
  auto at = std::copy(value.begin(), value.end(), both.begin());
  for (int shift = 56; shift >= 0; shift -= 8) *at++ = static_cast<Byte>(size >> shift);
  return mac("content", both);
}

storage::Mac UidMacs::mac(std::string_view what, ByteView value) const {
  std::string message("letterbox/v1/stow/");
  message.append(what).push_back('\0');
  message.append(whose_).append(as_text(value));
  return crypto::hmac_sha256(key_, as_bytes(message));
}

}  // namespace letterbox::gateway::stow
