// Signs the manifests of studies that have come to rest.
//
// A PACS never says that a study is complete. So a delivery of its instances closes once it has
// been quiet for a while (storage/study_store.h), or at once when it isn't for the right devices
// any more: then what comes later goes into another.
#pragma once

#include "crypto/signing.h"
#include "gateway/repeated.h"
#include "records/time.h"
#include "storage/store.h"

namespace letterbox::gateway::stow {

/// Closes what is due at `now`. One that changes at that moment is left for the next time. Throws
/// Error kUnavailable. Thread-safe, and several gateways may do it over one store.
void close_due(storage::Store& shelf, const crypto::SigningKey& gateway_key, records::Time now);

/// Closes what is open for other devices than those that its mailbox stands for now. Likewise.
void close_outdated(storage::Store& shelf, const crypto::SigningKey& gateway_key);

/// Does both again and again, on a thread of its own, for as long as it lives. What fails is logged
/// and tried again.
class Closer {
 public:
  /// Both must outlive this.
  Closer(storage::Store& shelf, const crypto::SigningKey& gateway_key);

  /// Something is due now. Thread-safe.
  void wake() { repeated_.wake(); }

 private:
  void close();

  storage::Store& shelf_;
  const crypto::SigningKey& gateway_key_;
  int round_ = 0;
  Repeated repeated_;  // ends first: it draws on the rest
};

}  // namespace letterbox::gateway::stow
