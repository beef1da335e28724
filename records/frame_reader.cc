#include "records/frame_reader.h"

#include <algorithm>

namespace letterbox::records {

Bytes FrameReader::take(std::size_t size) {
  Bytes bytes;
  bytes.reserve(size);
  while (bytes.size() < size) {
    if (ahead_.empty()) {
      ahead_ = source_.next();
      if (ahead_.empty()) break;
    }
    const ByteView piece = ahead_.first(std::min(ahead_.size(), size - bytes.size()));
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    ahead_ = ahead_.subspan(piece.size());
  }
  return bytes;
}

std::uint32_t number_in(std::span<const Byte, 4> bytes) noexcept {
  std::uint32_t number = 0;
  for (const Byte byte : bytes) number = number << 8 | byte;
  return number;
}

void append_number(Bytes& bytes, std::uint32_t number) {
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    bytes.push_back(static_cast<Byte>(number >> shift));
}

}  // namespace letterbox::records
