#include "dicom/attributes/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace letterbox::dicom {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Length of the UTF-8 sequence at the beginning of `text` (RFC 3629: shortest form, no surrogate,
// up to U+10FFFF); 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<Byte>(text[i]); };
  const Byte lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) >= 0xa0) ||
      (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

// What a backslash makes of a character that can't stand in a JSON string; NUL if it has none.
char escape_of(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\f':
      return 'f';
    case '\r':
      return 'r';
    default:
      return '\0';
  }
}

bool is_control(char c) {
  return static_cast<Byte>(c) < 0x20 || c == 0x7f;
}

std::size_t digits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

}  // namespace

bool append_string(std::string& json, std::string_view text) {
  bool all = true;
  json += '"';
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (const char escape = escape_of(text.front()); escape != '\0') {
      json += '\\';
      json += escape;
    } else if (length == 0 || is_control(text.front())) {
      json += kReplacement;
      all = false;
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  json += '"';
  return all;
}

std::string base64(ByteView bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string json = "\"";
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 3))) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i) three = three << 8 | (i < bytes.size() ? bytes[i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      json += i <= bytes.size() ? kDigits[three >> (18 - 6 * i) & 63U] : '=';
    }
  }
  json += '"';
  return json;
}

std::optional<std::string> decimal_number(std::string_view text) {
  std::string number;
  if (text.starts_with('-')) number = "-";
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);

  const std::string_view whole = text.substr(0, digits(text));
  text.remove_prefix(whole.size());
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = text.substr(0, digits(text));
    text.remove_prefix(fraction.size());
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  // DICOM allows 007, .5 and 5. where JSON doesn't.
  const std::size_t first = std::min(whole.find_first_not_of('0'), whole.size());
  number += first == whole.size() ? "0" : whole.substr(first);
  if (!fraction.empty()) (number += '.') += fraction;

  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    number += 'e';
    if (text.starts_with('-') || text.starts_with('+')) {
      number += text.front();
      text.remove_prefix(1);
    }
    if (text.empty()) return std::nullopt;
    number += text.substr(0, digits(text));
    text.remove_prefix(digits(text));
  }
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (!text.empty() || read.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return number;
}

std::optional<std::string> integer_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int32_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return std::to_string(value);
}

}  // namespace letterbox::dicom
