// Inflates a deflated data set as it streams by (PS3.5 annex A.5, RFC 1951).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

struct z_stream_s;

namespace letterbox::dicom {

/// A data set may be this many bytes whatever it was deflated to, and beyond that so many times as
/// large as what came. An empty picture deflates a thousandfold, and so does a bomb, whose cost is
/// the time to look through it, in each of a request's many files: memory is that of one piece and
/// of the window, 100 KiB. An empty slice of 2048 by 2048 pixels of 16 bits is taken.
inline constexpr std::uint64_t kInflatedAnyway = std::uint64_t{8} << 20;
inline constexpr std::uint64_t kInflatedRatio = 100;

/// A NUL that makes the length even (PS3.5 annex A.5), or the checksum and size of gzip that some
/// writers leave there.
inline constexpr std::size_t kMaxAfterDeflated = 8;

/// For one thread at a time.
class Inflater {
 public:
  Inflater();
  /// Wipes all that it held.
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// The next bytes of the data set out of `piece`, which becomes what is left of it; valid until
  /// the next call. Empty once more input is needed. Throws Error kNotWhatItClaims.
  ByteView next(ByteView& piece);
  /// Throws Error kNotWhatItClaims if the stream isn't complete.
  void finish() const;

 private:
  std::size_t inflate_some(ByteView& piece);

  std::unique_ptr<z_stream_s> stream_;
  Bytes out_;
  std::uint64_t taken_ = 0;
  std::uint64_t given_ = 0;
  bool broken_ = false;
  bool ended_ = false;
  std::size_t after_ = 0;  ///< bytes after the stream
};

}  // namespace letterbox::dicom
