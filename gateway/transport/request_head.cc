#include "gateway/transport/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/transport/refusal.h"

namespace letterbox::gateway::transport {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kLongestMethod = 32;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_without_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// RFC 9110 section 5.5: VCHAR, obs-text, space and tab.
bool is_field_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_line(std::string_view& rest) noexcept {
  const std::size_t end = rest.find(kLineEnd);
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + kLineEnd.size());
  return line;
}

/// Whether the comma-separated list holds the token, RFC 9110 section 5.6.1.
bool lists(std::string_view list, std::string_view token) noexcept {
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (same_without_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == list.size()) return false;
    list.remove_prefix(comma + 1);
  }
}

void check_method(std::string_view method) {
  static constexpr std::array<std::string_view, 7> kMethods{"GET",   "HEAD",   "POST",   "PUT",
                                                            "PATCH", "DELETE", "OPTIONS"};
  if (!is_token(method)) throw Refusal(400, "The request line has no method.");
  if (std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end()) return;
  // TRACE would reflect what the peer sent, CONNECT is for proxies.
  if (method == "TRACE" || method == "CONNECT") {
    throw Refusal(405, "This method isn't allowed here.");
  }
  throw Refusal(501, "This method isn't known here.");
}

int minor_version(std::string_view version) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    throw Refusal(400, "The request line has no HTTP version.");
  }
  if (version[5] != '1') throw Refusal(505, "This server speaks HTTP/1.1.");
  // RFC 9110 section 2.5: a higher minor version is processed as the highest one we know.
  return version[7] == '0' ? 0 : 1;
}

void parse_request_line(std::string_view line, const Limits& limits, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    throw Refusal(400, "The request line isn't method, target and version.");
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.target_bytes) throw Refusal(414, "The request target is too long.");
  head.minor_version = minor_version(line.substr(last + 1));
  check_method(line.substr(0, first));
  head.method = line.substr(0, first);
  head.target = parse_request_target(target);
}

void parse_field_line(std::string_view line, RequestHead& head) {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    throw Refusal(400, "A header field is folded over two lines.");
  }
  const std::size_t colon = line.find(':');
  // A space before the colon makes this no token: RFC 9112 section 5.1 wants 400 for it.
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    throw Refusal(400, "A header field has no proper name.");
  }
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) throw Refusal(400, "A header field has a control character.");
  head.fields.push_back({std::string(line.substr(0, colon)), std::string(value)});
}

std::size_t count(const RequestHead& head, std::string_view name) noexcept {
  return static_cast<std::size_t>(
      std::count_if(head.fields.begin(), head.fields.end(),
                    [name](const auto& field) { return same_without_case(field.name, name); }));
}

// RFC 9112 section 3.2, and the host's characters by RFC 3986 section 3.2.2.
void check_host(const RequestHead& head) {
  const std::string* host = head.find("Host");
  if (count(head, "Host") > 1) throw Refusal(400, "The request has two Host fields.");
  if (host == nullptr) {
    if (head.minor_version == 0) return;
    throw Refusal(400, "The request has no Host field.");
  }
  const bool proper = !host->empty() && std::all_of(host->begin(), host->end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~[]:").find(c) != std::string_view::npos;
  });
  if (!proper) throw Refusal(400, "The Host field isn't a host.");
  if (!head.target.authority.empty() && !same_without_case(head.target.authority, *host)) {
    throw Refusal(400, "The request target names another host than the Host field.");
  }
}

std::uint64_t parse_content_length(std::string_view text, const Limits& limits) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    throw Refusal(400, "Content-Length isn't a number of bytes.");
  }
  if (length > limits.body_bytes) throw Refusal(413, "The body is larger than this server takes.");
  return length;
}

// RFC 9112 sections 6.1 to 6.3: whatever could be framed in two ways is refused.
void settle_framing(const Limits& limits, RequestHead& head) {
  const std::string* encoding = head.find("Transfer-Encoding");
  const std::string* length = head.find("Content-Length");
  if (encoding != nullptr) {
    if (head.minor_version == 0) throw Refusal(400, "HTTP/1.0 has no Transfer-Encoding.");
    if (length != nullptr) {
      throw Refusal(400, "The request has both Transfer-Encoding and Content-Length.");
    }
    if (count(head, "Transfer-Encoding") > 1) {
      throw Refusal(400, "The request has two Transfer-Encoding fields.");
    }
    if (!same_without_case(*encoding, "chunked")) {
      // Where chunked isn't the last coding, nobody can tell where the body ends: section 6.3.
      const std::string_view last = std::string_view(*encoding).substr(encoding->rfind(',') + 1);
      if (!same_without_case(trim(last), "chunked")) {
        throw Refusal(400, "The last transfer coding isn't chunked.");
      }
      throw Refusal(501, "The only transfer coding known here is chunked.");
    }
    head.framing = BodyFraming::kChunked;
  } else if (length != nullptr) {
    if (count(head, "Content-Length") > 1) {
      throw Refusal(400, "The request has two Content-Length fields.");
    }
    head.content_length = parse_content_length(*length, limits);
    head.framing = *head.content_length == 0 ? BodyFraming::kNone : BodyFraming::kContentLength;
  }
}

// RFC 9110 section 10.1.1. An HTTP/1.0 peer's expectation is ignored, as that section says.
void settle_expectation(RequestHead& head) {
  const std::string* expect = head.find("Expect");
  if (expect == nullptr || head.minor_version == 0) return;
  if (count(head, "Expect") > 1 || !same_without_case(*expect, "100-continue")) {
    throw Refusal(417, "The only expectation met here is 100-continue.");
  }
  head.expects_continue = head.framing != BodyFraming::kNone;
}

// RFC 9112 section 9.3.
void settle_persistence(RequestHead& head) {
  head.keep_alive = head.minor_version == 1;
  for (const auto& field : head.fields) {
    if (!same_without_case(field.name, "Connection")) continue;
    if (lists(field.value, "close")) {
      head.keep_alive = false;
      return;
    }
    if (lists(field.value, "keep-alive")) head.keep_alive = true;
  }
}

}  // namespace

const std::string* RequestHead::find(std::string_view name) const noexcept {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const Field& field) {
    return same_without_case(field.name, name);
  });
  return found == fields.end() ? nullptr : &found->value;
}

std::optional<std::size_t> HeadScanner::scan(std::string_view received) {
  for (; position_ < received.size(); ++position_) {
    const char c = received[position_];
    const bool after_return = position_ > line_start_ && received[position_ - 1] == '\r';
    if (c == '\0') throw Refusal(400, "The request head has a NUL.");
    if (after_return != (c == '\n')) {
      throw Refusal(400, "A line of the request head doesn't end with CR LF.");
    }
    if (position_ >= limits_.header_bytes || lines_ > limits_.header_fields + 1) {
      throw lines_ == 0 ? Refusal(414, "The request line is too long.")
                        : Refusal(431, "The header fields are too many or too long.");
    }
    if (lines_ == 0 && position_ - line_start_ > limits_.target_bytes + kLongestMethod) {
      throw Refusal(414, "The request line is too long.");
    }
    if (c != '\n') continue;

    const bool empty_line = position_ - line_start_ == 1;
    // RFC 9112 section 2.2: one empty line before the request line is let pass.
    const bool leading = empty_line && line_start_ == 0;
    line_start_ = position_ + 1;
    if (leading) continue;
    if (empty_line && lines_ > 0) {
      return ++position_;
    }
    if (empty_line) throw Refusal(400, "The request has no request line.");
    ++lines_;
  }
  return std::nullopt;
}

RequestHead parse_request_head(std::string_view bytes, const Limits& limits) {
  RequestHead head;
  if (bytes.starts_with(kLineEnd)) bytes.remove_prefix(kLineEnd.size());
  parse_request_line(take_line(bytes), limits, head);
  for (auto line = take_line(bytes); !line.empty(); line = take_line(bytes)) {
    if (head.fields.size() == limits.header_fields) {
      throw Refusal(431, "The header fields are too many or too long.");
    }
    parse_field_line(line, head);
  }
  check_host(head);
  settle_framing(limits, head);
  settle_expectation(head);
  settle_persistence(head);
  if (const std::string* coding = head.find("Content-Encoding");
      coding != nullptr && !same_without_case(*coding, "identity")) {
    throw Refusal(415, "Bodies are taken as they are, without a content coding.");
  }
  return head;
}

}  // namespace letterbox::gateway::transport
