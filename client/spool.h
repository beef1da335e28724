// Sealed bytes on their way out: all of them are made before the first is sent, because a signed
// request says the digest of its body ahead.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/bytes.h"
#include "client/files.h"
#include "client/verified_output.h"

namespace letterbox::client {

/// What a Source yielded, in a file without a name, mode 0600, that is gone with this object or the
/// process unless it is kept. For what may lie on the disk: never plaintext.
class Spool {
 public:
  /// Pulls `sealed` to its end. Throws what it throws, and Error kFile.
  Spool(Source& sealed, const std::filesystem::path& directory);

  std::uint64_t length() const noexcept { return length_; }
  const Digest& sha256() const noexcept { return sha256_; }
  /// Gives it a name, under which it outlives the process. Throws Error kFile.
  void keep(const std::filesystem::path& path) { file_.give_name(path, false); }
  /// From the beginning, once at a time. This must outlive it.
  DescriptorSource read() { return {file_.read_back(), "the spooled file"}; }

 private:
  VerifiedOutput file_;
  std::uint64_t length_ = 0;
  Digest sha256_{};
};

}  // namespace letterbox::client
