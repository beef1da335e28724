// Into which delivery an instance goes: design's "How STOW becomes letters".
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "crypto/signing.h"
#include "gateway/allowance.h"
#include "gateway/identity/caller.h"
#include "records/cover.h"
#include "records/devices.h"
#include "storage/mailbox_store.h"
#include "storage/study_store.h"

namespace letterbox::gateway::stow {

/// The slot that a request's letters come through: whose they are, and whom they are for.
struct Slot {
  const Caller& sender;
  const storage::Mailbox& mailbox;
  /// Whom the mailbox stands for now.
  const std::vector<records::Device>& devices;
  /// Signs covers.
  const crypto::SigningKey& gateway_key;
  Allowance allowance = {};
};

/// A delivery that files of this request go into.
struct Destination {
  records::SignedCover cover;
  std::vector<crypto::X25519Recipient> keys;  ///< the cover's
  std::size_t instances;                      ///< in it, without those of this request
  storage::StudyCommit commit;                ///< what this request puts into it
};

/// The destinations of one request, as the shelf was when each was first asked for. For one thread
/// at a time.
class Destinations {
 public:
  /// Both must outlive this.
  Destinations(const Slot& slot, storage::StudyStore& studies);

  /// Where a further instance of the study goes: the delivery that is open for it, if that has room
  /// and is for all devices of the slot and for no others; else a new one, which continues it.
  /// Throws Error kUnavailable.
  Destination& of(const storage::Mac& study);

  /// Those that files were put into, in the order in which they must be opened. They are gone then.
  std::vector<storage::StudyCommit> take_commits();

 private:
  Destination& joined_or_opened(const storage::Mac& study);
  Destination& joined(const storage::Mac& study, const storage::JoinableStudy& open);
  Destination& opened(const storage::Mac& study, const std::optional<Uuid>& continues);

  const Slot& slot_;
  storage::StudyStore& studies_;
  std::vector<std::string> recipients_;  ///< of the slot: age1… strings, bytewise
  std::list<Destination> all_;
  std::map<storage::Mac, Destination*> current_;
};

}  // namespace letterbox::gateway::stow
