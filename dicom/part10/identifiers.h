// The UIDs by which a data set says which instance it is.
#pragma once

#include <string>

#include "dicom/inspector.h"
#include "dicom/part10/element.h"

namespace letterbox::dicom {

/// Whether this element of the top level holds one of them.
bool is_identifier(Tag tag) noexcept;

/// Picks them out of what a Walker meets at the top level. The data set may be walked by others, so
/// what names it must be read by all of them alike: each is there once, one UID, of VR UI, or UN
/// where something on the file's way knew no VRs. For one thread at a time.
class Identifiers {
 public:
  /// Called for each element of the top level, whatever its kind. True: value() wants its value,
  /// and end_value() its end. Throws Error kNotWhatItClaims.
  bool element(const Element& element);
  void value(ByteView piece);
  /// Throws Error kNotWhatItClaims.
  void end_value();
  /// Throws Error kNotWhatItClaims if one is missing.
  void finish() const;

  /// Those that were met.
  InstanceUids& known() { return known_; }
  const InstanceUids& known() const { return known_; }

 private:
  InstanceUids known_;
  std::string InstanceUids::*present_ = nullptr;
  std::string text_;
};

}  // namespace letterbox::dicom
