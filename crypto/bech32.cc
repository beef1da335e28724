#include "crypto/bech32.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace letterbox::crypto {

namespace {

constexpr std::string_view kCharset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumSize = 6;
constexpr unsigned kInvalid = 32;

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

bool is_upper(std::string_view prefix) {
  return std::any_of(prefix.begin(), prefix.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// The BCH code of BIP 173, "Checksum", fed one 5-bit value after another.
class Checksum {
 public:
  // The prefix is expanded to its characters' high bits, a zero, and their low bits, always of the
  // lowercase form.
  explicit Checksum(std::string_view prefix) {
    for (const char c : prefix) add(static_cast<unsigned>(to_lower(c)) >> 5);
    add(0);
    for (const char c : prefix) add(static_cast<unsigned>(to_lower(c)) & 31);
  }

  void add(unsigned value) {
    static constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                             0x3d4233dd, 0x2a1462b3};
    const std::uint32_t top = state_ >> 25;
    state_ = ((state_ & 0x1ffffff) << 5) ^ value;
    for (std::size_t i = 0; i < kGenerator.size(); ++i)
      if ((top >> i) & 1) state_ ^= kGenerator[i];
  }

  bool is_valid() const { return state_ == 1; }

  std::array<unsigned, kChecksumSize> finish() {
    for (std::size_t i = 0; i < kChecksumSize; ++i) add(0);
    const std::uint32_t all = state_ ^ 1;
    std::array<unsigned, kChecksumSize> values{};
    for (std::size_t i = 0; i < kChecksumSize; ++i) values[i] = (all >> (5 * (5 - i))) & 31;
    return values;
  }

 private:
  std::uint32_t state_ = 1;
};

}  // namespace

SecretBytes bech32_encode(std::string_view prefix, ByteView data) {
  const std::size_t data_characters = (data.size() * 8 + 4) / 5;
  SecretBytes text(prefix.size() + 1 + data_characters + kChecksumSize);
  const bool upper = is_upper(prefix);
  auto out = std::copy(prefix.begin(), prefix.end(), text.reveal().begin());
  *out++ = '1';
  const auto put = [&](unsigned value) {
    *out++ = static_cast<Byte>(upper ? to_upper(kCharset[value]) : kCharset[value]);
  };

  Checksum checksum(prefix);
  const auto put_data = [&](unsigned value) {
    checksum.add(value);
    put(value);
  };
  unsigned pending = 0;
  unsigned bits = 0;
  for (const Byte byte : data) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 5;) {
      bits -= 5;
      put_data((pending >> bits) & 31);
    }
    pending &= (1U << bits) - 1;
  }
  if (bits > 0) put_data((pending << (5 - bits)) & 31);
  for (const unsigned value : checksum.finish()) put(value);
  return text;
}

std::optional<SecretBytes> bech32_decode(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.size() < 1 + kChecksumSize || text.front() != '1') return std::nullopt;
  text.remove_prefix(1);

  const bool upper = is_upper(prefix);
  const std::size_t data_characters = text.size() - kChecksumSize;
  SecretBytes data(data_characters * 5 / 8);
  auto out = data.reveal().begin();
  Checksum checksum(prefix);
  unsigned pending = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != (upper ? to_upper(c) : to_lower(c))) return std::nullopt;
    const auto value = static_cast<unsigned>(std::min<std::size_t>(kCharset.find(to_lower(c)), 32));
    if (value == kInvalid) return std::nullopt;
    checksum.add(value);
    if (i >= data_characters) continue;
    pending = (pending << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      *out++ = static_cast<Byte>(pending >> bits);
      pending &= (1U << bits) - 1;
    }
  }
  // At most four bits of padding, all zero: otherwise two texts would mean one value.
  if (bits > 4 || pending != 0 || !checksum.is_valid()) return std::nullopt;
  return data;
}

}  // namespace letterbox::crypto
