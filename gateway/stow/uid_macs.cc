#include "gateway/stow/uid_macs.h"

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
}

storage::Mac UidMacs::study(std::string_view study_uid) const {
  return mac("study", as_bytes(study_uid));
}

storage::Mac UidMacs::instance(std::string_view sop_instance_uid) const {
  return mac("instance", as_bytes(sop_instance_uid));
}

storage::Mac UidMacs::content(const Digest& sha256) const {
  return mac("content", sha256);
}

storage::Mac UidMacs::mac(std::string_view what, ByteView value) const {
  std::string message("letterbox/v1/stow/");
  message.append(what).push_back('\0');
  message.append(whose_).append(as_text(value));
  return crypto::hmac_sha256(key_, as_bytes(message));
}

}  // namespace letterbox::gateway::stow
