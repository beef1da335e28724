#include "base/uuid.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace letterbox {

namespace {

constexpr bool is_dash_at(std::size_t index) noexcept {
  return index == 8 || index == 13 || index == 18 || index == 23;
}

}  // namespace

Uuid Uuid::v7() {
  Uuid uuid;
  if (getrandom(uuid.bytes_.data(), uuid.bytes_.size(), 0) !=
      static_cast<ssize_t>(uuid.bytes_.size())) {
    throw Error(ErrorCode::kInternal, "getrandom gave too few bytes");
  }
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  auto milliseconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  for (std::size_t i = 6; i-- > 0; milliseconds >>= 8) {
    uuid.bytes_[i] = static_cast<Byte>(milliseconds & 0xff);
  }
  uuid.bytes_[6] = static_cast<Byte>((uuid.bytes_[6] & 0x0f) | 0x70);
  uuid.bytes_[8] = static_cast<Byte>((uuid.bytes_[8] & 0x3f) | 0x80);
  return uuid;
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_dash_at(i)) {
      if (c != '-') return std::nullopt;
      continue;
    }
    unsigned value = 0;
    if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = static_cast<unsigned>(c - 'a') + 10;
    } else {
      return std::nullopt;
    }
    Byte& byte = uuid.bytes_[nibble / 2];
    byte = static_cast<Byte>((static_cast<unsigned>(byte) << 4) | value);
    ++nibble;
  }
  if ((uuid.bytes_[6] & 0xf0) != 0x70 || (uuid.bytes_[8] & 0xc0) != 0x80) return std::nullopt;
  return uuid;
}

Uuid Uuid::from_bytes(std::span<const Byte, 16> bytes) noexcept {
  Uuid uuid;
  std::copy(bytes.begin(), bytes.end(), uuid.bytes_.begin());
  return uuid;
}

std::string Uuid::text() const {
  const std::string hex = to_hex(bytes_);
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' +
         hex.substr(16, 4) + '-' + hex.substr(20);
}

}  // namespace letterbox
