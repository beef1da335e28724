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

std::optional<Digest> digest_from_hex(std::string_view text) noexcept {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  Digest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const std::size_t high = kDigits.find(text[2 * i]);
    const std::size_t low = kDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    digest[i] = static_cast<Byte>(high << 4 | low);
  }
  return digest;
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
