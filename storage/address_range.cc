#include "storage/address_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace letterbox::storage {

namespace {

constexpr unsigned kMappedBits = 96;

// All as IPv6, IPv4 mapped.
std::optional<std::array<Byte, 16>> address_of(const std::string& text) {
  // c_str() would end at a NUL and hide what follows.
  if (text.find('\0') != std::string::npos) return std::nullopt;
  std::array<Byte, 16> address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  address[10] = address[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

// The first `bits`, and zeros.
std::array<Byte, 16> masked(std::array<Byte, 16> address, unsigned bits) {
  for (unsigned i = 0; i < address.size(); ++i) {
    const unsigned kept = std::min(8u, bits - std::min(bits, 8 * i));
    address[i] = static_cast<Byte>(address[i] & (0xff00u >> kept));
  }
  return address;
}

}  // namespace

bool is_address(const std::string& text) {
  return address_of(text).has_value();
}

std::optional<AddressRange> AddressRange::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string front = text.substr(0, slash);
  const auto address = address_of(front);
  if (!address) return std::nullopt;

  const bool is_v4 = front.find(':') == std::string::npos;
  AddressRange range;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, range.bits_);
  if (error != std::errc() || stop != end || range.bits_ > (is_v4 ? 32u : 128u)) {
    return std::nullopt;
  }
  if (is_v4) range.bits_ += kMappedBits;
  if (masked(*address, range.bits_) != *address) return std::nullopt;
  range.text_ = text;
  range.prefix_ = *address;
  return range;
}

bool AddressRange::contains(const std::string& address) const {
  const auto parsed = address_of(address);
  return parsed && masked(*parsed, bits_) == prefix_;
}

}  // namespace letterbox::storage
