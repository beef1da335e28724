// PNG (ISO/IEC 15948), walked from its signature to the source's end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "dicom/photo/walker.h"

namespace letterbox::dicom {

/// See clean_photo().
class PngCleaner final : public PhotoWalker {
 public:
  explicit PngCleaner(Source& photo);
  ~PngCleaner() override;
  PngCleaner(const PngCleaner&) = delete;
  PngCleaner& operator=(const PngCleaner&) = delete;

  /// As Exif::orientation; settled at the end.
  int orientation() const noexcept { return orientation_.value_or(1); }

 private:
  enum class At : std::uint8_t { kStart, kChunk, kContent };

  ByteView step() override;
  ByteView begin();
  ByteView chunk();
  ByteView content();

  void check_header(ByteView content) const;
  void check_order(std::uint32_t type);
  void check_sum();
  ByteView drop_chunk(std::uint32_t type);
  ByteView put_exif(ByteView tiff);

  At at_ = At::kStart;
  /// What is put out that isn't in the source as it stands, and what is looked into.
  Bytes buffer_;
  std::uint32_t left_ = 0;  // of the chunk at hand's content
  std::uint32_t sum_ = 0;   // CRC-32 so far of the chunk at hand
  std::uint32_t last_type_ = 0;
  std::uint32_t kept_ = 0;  // bit n: the n-th kind that is kept was there
  int colour_type_ = 0;
  std::optional<int> orientation_;
};

}  // namespace letterbox::dicom
