// SHA-256 (FIPS 180-4), streaming.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace letterbox::crypto {

/// SHA-256 of bytes fed in order. For one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(ByteView bytes);
  /// The digest of all that was fed; the object can't be used any more.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(ByteView bytes);

}  // namespace letterbox::crypto
