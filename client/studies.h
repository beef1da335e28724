// The studies in somebody's letters, as the files' indexes tell of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "client/instance.h"
#include "client/listed_file.h"
#include "records/cover.h"
#include "records/handle.h"
#include "records/time.h"

namespace letterbox::client {

/// A delivery, in the words of a verified cover.
struct ListedDelivery {
  Uuid delivery;
  records::Handle sender;
  records::SealedBy sealed_by;
  std::vector<ListedFile> files;
  std::string sealer = {};  ///< sealer_of its cover
  bool sealer_is_revoked = false;
  records::Time created = {};
  records::Time expires = {};
  std::uint32_t version = 1;              ///< of its last cover
  std::vector<std::string> sharers = {};  ///< sharers_of its covers
};

/// Marks what a later file corrects. Nobody supersedes the files of another sender, nor a device
/// what the gateway sealed, nor the other way round.
void mark_superseded(std::vector<ListedDelivery>& deliveries);

struct Series {
  std::string uid;
  std::string modality;
  std::string description;
  std::uint64_t instances = 0;
};

/// A study's share of a delivery.
struct StudyPart {
  Uuid delivery;
  std::uint64_t instances = 0;  ///< in this delivery
  std::uint64_t size = 0;
  std::uint64_t superseding = 0;  ///< of the instances: correct an earlier one
  std::uint64_t superseded = 0;   ///< of the instances: a later one corrects them
};

/// What one sender sent of one study of one patient.
struct Study {
  Instance first;  ///< its first instance, for what a study says of itself
  records::Handle sender;
  records::SealedBy sealed_by;
  std::uint64_t instances = 0;  ///< each counted once, and not those that are superseded
  std::vector<Series> series = {};
  std::vector<StudyPart> parts = {};  ///< in the order of the deliveries
};

/// Groups instances, marked already, by their Study Instance UID, in the order in which the studies
/// first occur.
///
/// What somebody sent never goes with what somebody else did, nor what a device sealed with what
/// the gateway did: a Study UID is known to many. Two patients in one study are shown as two
/// studies, because one of them is a mistake.
std::vector<Study> studies_of(const std::vector<ListedDelivery>& deliveries);

}  // namespace letterbox::client
