// What every photo that is taken must show, whatever it is made of.
#pragma once

#include <algorithm>

#include "base/error.h"
#include "dicom/photo/cleaner.h"

namespace letterbox {

struct CleanedPhoto {
  Bytes bytes;
  dicom::Finding finding;
};

inline CleanedPhoto clean(dicom::MediaType type, ByteView photo, std::size_t piece) {
  ViewSource source(photo, piece);
  const auto intake = dicom::clean_photo(type, source);
  Bytes bytes = read_all(*intake, SIZE_MAX);
  return {std::move(bytes), intake->finding()};
}

// It is the same however it is cut into pieces, and there is nothing left to clean. What is kept
// of EXIF aside, it is no longer than it was.
inline void check_photo(dicom::MediaType type, ByteView photo) {
  constexpr std::size_t kMostOfExif = 40;
  CleanedPhoto whole;
  try {
    whole = clean(type, photo, SIZE_MAX);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotWhatItClaims && error.code() != ErrorCode::kEmptyBody)
      __builtin_trap();
    try {
      clean(type, photo, 3);
    } catch (const Error&) {
      return;
    }
    __builtin_trap();
  }
  if (clean(type, photo, 3).bytes != whole.bytes) __builtin_trap();
  if (whole.bytes.size() > photo.size() + kMostOfExif) __builtin_trap();
  const CleanedPhoto again = clean(type, whole.bytes, SIZE_MAX);
  if (again.bytes != whole.bytes || !again.finding.dropped.empty() || again.finding.captured)
    __builtin_trap();
}

}  // namespace letterbox
