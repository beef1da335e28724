// What was found out about signed bytes, so that their signature is verified once.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "base/bytes.h"

namespace letterbox::gateway {

/// By a digest of all that the outcome follows from, so whoever alters any of it in the database
/// has it verified anew, and nothing of what is remembered has to be taken back. Thread-safe.
template <typename Verified>
class VerifiedOnce {
 public:
  /// Once `most` are known, it begins anew.
  explicit VerifiedOnce(std::size_t most) : most_(most) {}

  /// What `verify` returned for this digest; what it throws passes through, and isn't remembered.
  template <typename Verify>
  Verified get(const Digest& digest, const Verify& verify) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = known_.find(digest); found != known_.end()) return found->second;
    }
    Verified verified = verify();
    const std::lock_guard lock(mutex_);
    if (known_.size() >= most_) known_.clear();
    known_.emplace(digest, verified);
    return verified;
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::map<Digest, Verified> known_;
};

}  // namespace letterbox::gateway
