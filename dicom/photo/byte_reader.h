// Walks along a Source without caring where its pieces end.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace letterbox::dicom {

/// For one thread at a time, as its Source is.
class ByteReader {
 public:
  /// `source` must outlive this. `format` begins each refusal: "JPEG". A literal.
  ByteReader(Source& source, const char* format) noexcept : source_(source), format_(format) {}

  /// What is there of the present piece, or the next piece: valid until that is used up and this is
  /// called again. Empty at the source's end only.
  ByteView ahead();
  /// Moves on by `count` bytes of ahead().
  void skip(std::size_t count) noexcept;

  /// These need that many bytes and refuse a source that ends before.
  Byte byte();
  void read(std::span<Byte> into);

  /// Of the next byte, from the source's first.
  std::uint64_t offset() const noexcept { return offset_; }

  /// Error kNotWhatItClaims: "JPEG: <rule>, at byte 1234". `rule` says nothing of the content.
  [[noreturn]] void refuse(const char* rule) const;

 private:
  Source& source_;
  const char* format_;
  ByteView piece_;
  std::uint64_t offset_ = 0;
};

}  // namespace letterbox::dicom
