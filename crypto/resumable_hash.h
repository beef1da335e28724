// SHA-256 (FIPS 180-4) that can stop, be kept, and go on elsewhere.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace letterbox::crypto {

/// SHA-256 of bytes fed in order, over more than one life of a process. For one thread at a time.
///
/// Its state isn't secret where the bytes aren't, and nothing in it is authentic: whoever can
/// change it where it is kept chooses the digest. The manifest that a sender signs is what a
/// payload is held against.
class ResumableSha256 {
 public:
  /// Of nothing yet.
  ResumableSha256();
  /// Goes on from what `state()` gave, by this or an earlier version of the program, on any
  /// machine. Throws Error kIntegrity for bytes that it can't have given.
  explicit ResumableSha256(ByteView state);
  ~ResumableSha256();
  ResumableSha256(ResumableSha256&&) noexcept;
  ResumableSha256& operator=(ResumableSha256&&) noexcept;

  void update(ByteView bytes);
  Bytes state() const;
  /// The digest of all that was fed so far; more may follow.
  Digest digest() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace letterbox::crypto
