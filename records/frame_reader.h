// Takes a Source apart at given lengths: what is framed by lengths is read so.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace letterbox::records {

/// For one thread at a time.
class FrameReader {
 public:
  /// `source` must outlive this.
  explicit FrameReader(Source& source) : source_(source) {}

  /// The next `size` bytes; fewer only where the source ends. Takes that much memory: bound a
  /// length that comes from outside first. Throws what the source throws.
  Bytes take(std::size_t size);

 private:
  Source& source_;
  ByteView ahead_;  // was pulled, and not taken yet
};

/// Four bytes of a number, the highest first, as lengths are written in frames.
std::uint32_t number_in(std::span<const Byte, 4> bytes) noexcept;
/// Appends them.
void append_number(Bytes& bytes, std::uint32_t number);

}  // namespace letterbox::records
