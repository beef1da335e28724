// JPEG (ITU-T T.81), walked from SOI to the source's end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/photo/byte_reader.h"

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

/// See clean_photo().
class JpegCleaner final : public Intake {
 public:
  explicit JpegCleaner(Source& photo);
  ~JpegCleaner() override;
  JpegCleaner(const JpegCleaner&) = delete;
  JpegCleaner& operator=(const JpegCleaner&) = delete;

  ByteView next() override;
  const Finding& finding() const override { return finding_; }
  InstanceUids known() const override { return {}; }

  /// Once the first scan has begun; the other two are settled by then, too.
  const std::optional<JpegFrame>& frame() const noexcept { return frame_; }
  int orientation() const noexcept { return orientation_.value_or(1); }
  /// The colour transform that an Adobe APP14 names: 0 none, 1 YCbCr, 2 YCCK.
  std::optional<Byte> adobe_transform() const noexcept { return adobe_transform_; }

 private:
  enum class At : std::uint8_t { kStart, kSegments, kScan, kTail, kEnd, kRefused };

  ByteView walk();
  void begin();
  ByteView segment();
  ByteView scan_data();
  void tail();

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
  void rewrite(ByteView content);
  void drop(const char* what);

  /// Of the segment at hand, without marker and length.
  ByteView content() const noexcept;
  bool begins_with(std::string_view name) const noexcept;

  ByteReader reader_;
  Finding finding_;
  At at_ = At::kStart;
  /// The segment at hand: marker, length, content.
  std::array<Byte, 2 + 65535> segment_;
  std::size_t segment_size_ = 0;
  /// A 0xff at the end of a piece, whose meaning is in the next one.
  bool open_ff_ = false;

  std::optional<JpegFrame> frame_;
  std::optional<int> orientation_;
  std::optional<Byte> adobe_transform_;
  unsigned quantization_tables_ = 0;  // bit n: table n was there
  unsigned dc_tables_ = 0;
  unsigned ac_tables_ = 0;
  unsigned scanned_ = 0;  // bit n: the frame's component n was in a scan
};

}  // namespace letterbox::dicom
