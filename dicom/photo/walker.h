// What the walkers of all kinds of photo have in common.
#pragma once

#include "base/bytes.h"
#include "dicom/inspector.h"
#include "dicom/photo/byte_reader.h"

namespace letterbox::dicom {

/// An Intake that walks from one place of its format to the next. Refused once, it refuses for
/// ever.
class PhotoWalker : public Intake {
 public:
  ByteView next() final;
  const Finding& finding() const final { return finding_; }
  InstanceUids known() const final { return {}; }

 protected:
  /// `photo` must outlive this. `format`: as ByteReader's.
  PhotoWalker(MediaType type, Source& photo, const char* format)
      : reader_(photo, format), finding_{.type = type} {}

  /// One step, and what of the photo it lets through: nothing, or bytes that stay until the next.
  virtual ByteView step() = 0;
  /// To be said with the step that puts out the picture's end: no further step is taken.
  void end_picture() noexcept { picture_ended_ = true; }
  /// Throws Error kEmptyBody. For the first step.
  void expect_bytes();
  /// Tells of something that isn't let through. `what` is one of docs/photos.md's names.
  void drop(const char* what);

  ByteReader reader_;
  Finding finding_;

 private:
  bool picture_ended_ = false;
  bool refused_ = false;
};

}  // namespace letterbox::dicom
