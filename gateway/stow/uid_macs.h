// How a study or an instance that came before is known again, where its UID mustn't be kept.
//
// UIDs name patients to whoever has their records, so the database holds a keyed MAC in a UID's
// place, and the key isn't in it. Mailbox and depositor are part of what is MACed: equal UIDs in
// two mailboxes don't look equal, and a duplicate is one within the same mailbox and depositor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "crypto/poly1305.h"
#include "storage/study_store.h"

namespace letterbox::gateway::stow {

/// The MACs of what `depositor` puts into `mailbox`: HMAC-SHA-256 under `key` over what is MACed
/// ("study", "instance" or "content"), tenant, mailbox, depositor and value. Immutable.
class UidMacs {
 public:
  /// `key` must outlive this.
  UidMacs(const Secret<32>& key, storage::TenantId tenant, std::string_view mailbox,
          const Uuid& depositor);

  storage::Mac study(std::string_view study_uid) const;
  storage::Mac instance(std::string_view sop_instance_uid) const;
  /// Of `size` bytes that have this value under content_key(): a patient's file may be known to
  /// others, and so would be a digest of it without a key.
  storage::Mac content(const crypto::Poly1305::Value& value, std::uint64_t size) const;
  const Secret<32>& content_key() const noexcept { return content_key_; }

 private:
  storage::Mac mac(std::string_view what, ByteView value) const;

  const Secret<32>& key_;
  std::string whose_;
  Secret<32> content_key_;
};

}  // namespace letterbox::gateway::stow
