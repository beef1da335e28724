// The highest version of each delivery's cover that this device has seen: a reader never goes back
// behind it (docs/format.md, "Reading", step 3). A gateway that serves an older one, to somebody
// whom the sender has dropped since or with headers that are gone, is found out by this.
#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "base/uuid.h"
#include "client/verified_delivery.h"

namespace letterbox::client {

/// A text file: a line "delivery version hash" for each version when it was first seen, and the
/// highest counts. It is only ever appended to, a line in one step, so that programs that run at
/// once don't undo each other's. A line that isn't whole is passed over: what it should have said
/// is forgotten, as it is if the machine stops before it is on the disk. For one thread at a time.
class SeenVersions {
 public:
  /// Reads `file`, if there is one. Throws Error kFile.
  explicit SeenVersions(std::filesystem::path file);

  std::optional<SeenVersion> of(const Uuid& delivery) const;
  /// Does nothing unless it is a higher one. Throws Error kFile.
  void remember(const Uuid& delivery, const SeenVersion& version);

 private:
  std::filesystem::path file_;
  std::map<Uuid, SeenVersion> seen_;
};

}  // namespace letterbox::client
