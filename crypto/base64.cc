#include "crypto/base64.h"

#include <array>
#include <cstdint>

namespace letterbox::crypto {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr Byte kNotInAlphabet = 0xff;

constexpr std::array<Byte, 256> kValues = [] {
  std::array<Byte, 256> values{};
  values.fill(kNotInAlphabet);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<Byte>(kAlphabet[i])] = static_cast<Byte>(i);
  return values;
}();

}  // namespace

std::string base64_encode(ByteView bytes, Padding padding) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t taken = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = (group << 8) | (i < taken ? bytes[at + i] : std::uint32_t{0});
    // n bytes need n + 1 characters.
    for (std::size_t i = 0; i <= taken; ++i) text += kAlphabet[(group >> (18 - 6 * i)) & 63];
    if (padding == Padding::kRequired) text.append(3 - taken, '=');
  }
  return text;
}

std::optional<Bytes> base64_decode(std::string_view text, Padding padding) {
  if (padding == Padding::kRequired) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    // "AB=" and "A===" leave a length that no padding completes to the one found.
  }
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const Byte value = kValues[static_cast<Byte>(c)];
    if (value == kNotInAlphabet) return std::nullopt;
    pending = (pending << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<Byte>(pending >> bits));
      pending &= (1U << bits) - 1;
    }
  }
  if (pending != 0) return std::nullopt;
  return bytes;
}

}  // namespace letterbox::crypto
