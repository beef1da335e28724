// JPEG (ITU-T T.81), walked from SOI to the source's end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "dicom/photo/walker.h"

namespace letterbox::dicom {

/// What the frame header says (T.81 section B.2.2). Its numbers are a stranger's: 65535 by 65535 is
/// well-formed.
struct JpegFrame {
  struct Component {
    Byte id = 0;
    Byte horizontal = 1;  ///< sampling factors, 1 to 4
    Byte vertical = 1;
    Byte quantization = 0;  ///< which table, 0 to 3
  };
  Byte marker = 0;  ///< 0xc0: baseline, 0xc1: extended, 0xc2: progressive …
  int precision = 0;
  int width = 0;
  int height = 0;
  std::vector<Component> components = {};
};

/// What a viewer takes the components for (JFIF 1.02; Adobe's Technical Note 5116; T.872).
enum class JpegColour : std::uint8_t { kGrey, kRgb, kYcc, kCmyk, kUnknown };

/// See clean_photo().
class JpegCleaner final : public PhotoWalker {
 public:
  explicit JpegCleaner(Source& photo);
  ~JpegCleaner() override;
  JpegCleaner(const JpegCleaner&) = delete;
  JpegCleaner& operator=(const JpegCleaner&) = delete;

  /// Whether the first scan has begun: from then on all of these are settled.
  bool in_picture() const noexcept { return scanned_ != 0; }
  const std::optional<JpegFrame>& frame() const noexcept { return frame_; }
  JpegColour colour() const noexcept;
  /// As Exif::orientation.
  int orientation() const noexcept { return orientation_.value_or(1); }

 private:
  enum class At : std::uint8_t { kStart, kSegments, kScan };

  ByteView step() override;
  ByteView begin();
  ByteView segment();
  ByteView scan_data();

  Byte marker();
  void read_segment(Byte marker);
  bool keep_application_data(Byte marker);
  bool keep_jfif();
  bool keep_orientation();
  bool keep_colour_transform();
  void check_frame(Byte marker);
  void check_quantization_tables();
  void check_huffman_tables();
  void check_scan();
  void check_end() const;
  bool cut_to(std::size_t size);
  void set_content_size(std::size_t size);

  /// Of the segment at hand, without marker and length.
  ByteView content() const noexcept;
  bool begins_with(std::string_view name) const noexcept;

  At at_ = At::kStart;
  /// The segment at hand: marker, length, content.
  std::array<Byte, 2 + 65535> segment_;
  static constexpr std::size_t kContent = 4;
  std::size_t segment_size_ = 0;
  /// A 0xff at the end of a piece, whose meaning is in the next one.
  bool open_ff_ = false;
  /// More of them have followed it.
  bool filled_ = false;

  std::optional<JpegFrame> frame_;
  std::optional<int> orientation_;
  bool jfif_ = false;
  std::optional<Byte> adobe_transform_;
  unsigned quantization_tables_ = 0;  // bit n: table n was there
  unsigned dc_tables_ = 0;
  unsigned ac_tables_ = 0;
  unsigned scanned_ = 0;  // bit n: the frame's component n was in a scan
};

}  // namespace letterbox::dicom
