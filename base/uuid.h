// Identifiers of deliveries and files: UUIDv7, RFC 9562 section 5.7.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace letterbox {

/// A UUID. Version 7 is time-ordered, so rows made together lie together; its 74 random bits come
/// from the kernel. It is an identifier and not a capability: knowing one gives no right.
class Uuid {
 public:
  /// A fresh version 7 UUID. Throws Error kInternal if the kernel gives no randomness. Thread-safe.
  static Uuid v7();
  /// The canonical text form only: 36 characters, lowercase, RFC 9562 section 4; version 7 and
  /// variant 10xx. Anything else: nothing.
  static std::optional<Uuid> parse(std::string_view text) noexcept;
  /// 16 bytes in network order, as `bytes()` gave them.
  static Uuid from_bytes(std::span<const Byte, 16> bytes) noexcept;

  std::span<const Byte, 16> bytes() const noexcept { return bytes_; }
  std::string text() const;
  auto operator<=>(const Uuid&) const = default;

 private:
  std::array<Byte, 16> bytes_{};
};

}  // namespace letterbox
