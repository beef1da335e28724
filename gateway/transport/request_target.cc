#include "gateway/transport/request_target.h"

#include <algorithm>
#include <cstddef>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {

namespace {

constexpr std::string_view kScheme = "https://";

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 3986 section 3.3: pchar without pct-encoded.
bool is_path_character(char c) noexcept {
  return is_alphanumeric(c) ||
         std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

// RFC 3986 section 3.2.2, with the brackets and colons of IP literals and ports.
bool is_authority_character(char c) noexcept {
  return is_alphanumeric(c) || std::string_view("-._~[]:").find(c) != std::string_view::npos;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Undoes percent-encoding once. `extra` are the characters allowed besides path characters.
std::string decode(std::string_view text, std::string_view extra) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!is_path_character(text[i]) && extra.find(text[i]) == std::string_view::npos) {
        throw Refusal(400, "The request target has a character that must be percent-encoded.");
      }
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      throw Refusal(400, "The request target has a broken percent escape.");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

/// RFC 3629 section 4, and no control characters.
bool is_printable_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  while (i < text.size()) {
    const unsigned lead = byte(i);
    std::size_t length = 0;
    unsigned code = 0;
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f) return false;
      ++i;
      continue;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2;
      code = lead & 0x1f;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3;
      code = lead & 0x0f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4;
      code = lead & 0x07;
    } else {
      return false;
    }
    if (text.size() - i < length) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
      code = (code << 6) | (byte(i + k) & 0x3f);
    }
    // Overlong forms are a second spelling of a character that was checked in its first.
    if (length == 3 && code < 0x800) return false;
    if (length == 4 && (code < 0x10000 || code > 0x10ffff)) return false;
    if (code >= 0xd800 && code <= 0xdfff) return false;
    i += length;
  }
  return true;
}

void check_path(std::string_view path) {
  if (path.starts_with("//")) throw Refusal(400, "The path begins with two slashes.");
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string segment = decode(path.substr(start, end - start), "");
    if (segment == "." || segment == "..") {
      throw Refusal(400, "The path has a dot segment.");
    }
    if (segment.find_first_of("/\\") != std::string::npos) {
      throw Refusal(400, "The path has an encoded slash or backslash.");
    }
    if (!is_printable_utf8(segment)) {
      throw Refusal(400, "The path isn't UTF-8, or has a control character.");
    }
    start = end + 1;
  }
}

}  // namespace

RequestTarget parse_request_target(std::string_view target) {
  RequestTarget parsed;
  if (target.starts_with(kScheme)) {
    target.remove_prefix(kScheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    parsed.authority = target.substr(0, end);
    target.remove_prefix(end);
    if (parsed.authority.empty()) throw Refusal(400, "The request target has no host.");
    for (const char c : parsed.authority) {
      if (!is_authority_character(c)) {
        throw Refusal(400, "The request target's host has a character that no host has.");
      }
    }
    if (!target.starts_with('/')) parsed.path_and_query = "/";
  } else if (!target.starts_with('/')) {
    throw Refusal(400, "The request target is neither a path nor an https URI.");
  }
  parsed.path_and_query += target;

  const std::string_view whole = parsed.path_and_query;
  const std::size_t question = std::min(whole.find('?'), whole.size());
  check_path(whole.substr(0, question));
  if (question < whole.size() && !is_printable_utf8(decode(whole.substr(question + 1), "/?"))) {
    throw Refusal(400, "The query isn't UTF-8, or has a control character.");
  }
  return parsed;
}

}  // namespace letterbox::gateway::transport
