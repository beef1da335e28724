#include "dicom/photo/byte_reader.h"

#include <algorithm>

#include "base/error.h"

namespace letterbox::dicom {

ByteView ByteReader::ahead() {
  if (piece_.empty()) piece_ = source_.next();
  return piece_;
}

void ByteReader::skip(std::size_t count) noexcept {
  piece_ = piece_.subspan(count);
  offset_ += count;
}

Byte ByteReader::byte() {
  if (ahead().empty()) refuse("it ends early");
  const Byte byte = piece_.front();
  skip(1);
  return byte;
}

void ByteReader::read(std::span<Byte> into) {
  while (!into.empty()) {
    const ByteView there = ahead();
    if (there.empty()) refuse("it ends early");
    const std::size_t count = std::min(there.size(), into.size());
    std::copy_n(there.begin(), count, into.begin());
    skip(count);
    into = into.subspan(count);
  }
}

void ByteReader::refuse(const char* rule) const {
  throw Error(ErrorCode::kNotWhatItClaims,
              std::string(format_) + ": " + rule + ", at byte " + std::to_string(offset_));
}

}  // namespace letterbox::dicom
