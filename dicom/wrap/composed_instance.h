// A file for an instance that arrived as DICOM JSON and a photo (PS3.18 section 10.5.1; IHE's Web
// Image Capture).
#pragma once

#include "base/bytes.h"
#include "dicom/photo/jpeg.h"
#include "dicom/wrap/metadata.h"

namespace letterbox::dicom {

/// A DICOM file (PS3.10) as it is composed, while the photo streams in: explicit VR little endian,
/// the JPEG in fragments. Rows, columns, samples, Photometric Interpretation, Lossy Image
/// Compression and the transfer syntax follow from the JPEG, whatever the metadata says. Nothing
/// is decoded; the photo is cleaned as clean_photo() does. The file then takes the way of every
/// other: an Inspector judges it, and refuses what lacks a UID. Memory: the attributes, and two
/// fragments of 1 MiB.
class ComposedInstance final : public Source {
 public:
  /// `jpeg` must outlive this.
  ComposedInstance(InstanceMetadata metadata, Source& jpeg);
  ~ComposedInstance() override;
  ComposedInstance(const ComposedInstance&) = delete;
  ComposedInstance& operator=(const ComposedInstance&) = delete;

  /// Throws what JpegCleaner throws; Error kUnsupportedTransferSyntax for a JPEG that isn't
  /// baseline or extended with 8 bits, or is CMYK; kNotWhatItClaims for one that doesn't lie
  /// upright (DICOM has nothing that would tell viewers to turn it); kTooLarge for a value that is
  /// too long for its VR, or over 1 MiB before the picture.
  ByteView next() override;

  /// Once next() has said that this is the end: `captured` and `dropped` of the photo.
  const Finding& photo() const noexcept { return photo_.finding(); }
  /// Whether the metadata said something else of the picture than the JPEG does.
  bool is_coerced() const noexcept { return coerced_; }

 private:
  enum class At : std::uint8_t { kHead, kFragments, kEnd };

  void put_head();
  void put_fragment();

  InstanceMetadata metadata_;
  JpegCleaner photo_;
  At at_ = At::kHead;
  bool coerced_ = false;
  Bytes piece_;
  Bytes waiting_;  // of the photo, not put out yet
};

}  // namespace letterbox::dicom
