// A range of IP addresses, RFC 4632 section 3.1 and RFC 4291 section 2.3: ADDRESS/BITS.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace letterbox::storage {

/// Whether it is one IPv4 or IPv6 address, in a form of inet_pton(3).
bool is_address(const std::string& text);

class AddressRange {
 public:
  /// Nothing unless it is an IPv4 or IPv6 address, a slash, and a number of bits behind which the
  /// address has only zeros.
  static std::optional<AddressRange> parse(const std::string& text);

  /// Whether `address` lies in it; false for what is no address. An IPv4 address that is mapped
  /// into IPv6 (::ffff:a.b.c.d) is that IPv4 address, because sockets for both show it so.
  bool contains(const std::string& address) const;
  /// As it was parsed.
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  std::array<Byte, 16> prefix_{};  // IPv4 mapped
  unsigned bits_ = 0;              // of these 128
};

}  // namespace letterbox::storage
