#include "base/bytes.h"

#include <algorithm>

#include "base/error.h"
#include "base/secret.h"

namespace letterbox {

ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}

std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const Byte byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

ByteView ViewSource::next() {
  const ByteView piece = rest_.first(std::min(piece_, rest_.size()));
  rest_ = rest_.subspan(piece.size());
  return piece;
}

PrefixedSource::~PrefixedSource() {
  wipe(prefix_);
}

ByteView PrefixedSource::next() {
  if (!std::exchange(begun_, true) && !prefix_.empty()) return prefix_;
  return rest_.next();
}

Bytes read_all(Source& source, std::size_t limit) {
  Bytes all;
  for (ByteView piece = source.next(); !piece.empty(); piece = source.next()) {
    if (piece.size() > limit - all.size())
      throw Error(ErrorCode::kTooLarge, "more bytes than the limit of " + std::to_string(limit));
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

}  // namespace letterbox
