#include "dicom/photo/walker.h"

#include <algorithm>

#include "base/error.h"

namespace letterbox::dicom {

ByteView PhotoWalker::next() {
  if (refused_) reader_.refuse("it was refused before");
  refused_ = true;  // unless nothing throws
  ByteView piece;
  while (piece.empty() && !picture_ended_) piece = step();
  // Whatever stands behind the picture: further ones of an MPF file, a film, a ZIP.
  while (piece.empty() && !reader_.ahead().empty()) {
    drop("trailing bytes");
    reader_.skip(reader_.ahead().size());
  }
  refused_ = false;
  return piece;
}

void PhotoWalker::expect_bytes() {
  if (reader_.ahead().empty()) throw Error(ErrorCode::kEmptyBody, "the body is empty");
}

void PhotoWalker::drop(const char* what) {
  const auto& dropped = finding_.dropped;
  if (std::find(dropped.begin(), dropped.end(), what) == dropped.end())
    finding_.dropped.emplace_back(what);
}

}  // namespace letterbox::dicom
