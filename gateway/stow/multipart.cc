#include "gateway/stow/multipart.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace letterbox::gateway::stow {

namespace {

constexpr std::size_t kMaxBoundary = 70;
constexpr std::size_t kMaxPadding = 256;

// RFC 2046 section 5.1.1, bchars. A line break is none, so within CRLF "--" boundary a CR stands at
// the beginning alone, and whatever else fails to match, a delimiter can't have begun in it.
bool is_boundary_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

std::string delimiter_of(std::string_view boundary) {
  if (boundary.empty() || boundary.size() > kMaxBoundary || boundary.back() == ' ' ||
      !std::all_of(boundary.begin(), boundary.end(), is_boundary_character)) {
    throw Error(ErrorCode::kMalformed, "a multipart needs a boundary of RFC 2046");
  }
  return "\r\n--" + std::string(boundary);
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::kMalformed, "multipart: " + why);
}

bool equals_without_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && strncasecmp(text.data(), lower.data(), lower.size()) == 0;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Of a part's head, what matters.
class HeadReader {
 public:
  void field(std::string_view line) {
    const auto colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() || name.find_first_of(" \t") < colon) {
      refuse("a line of a part's head is no field");
    }
    const std::string_view value = trim(line.substr(colon + 1));
    if (equals_without_case(name, "content-type")) {
      once(has_type_);
      const auto type = parse_content_type(value);
      if (!type) refuse("a part's Content-Type is malformed");
      if (type->name.starts_with("multipart/")) refuse("a multipart within a multipart");
      head_.type = *type;
    } else if (equals_without_case(name, "content-location")) {
      once(has_location_);
      head_.location = value;
    } else if (equals_without_case(name, "content-transfer-encoding")) {
      // RFC 2045 section 6.2: these three encode nothing.
      if (!equals_without_case(value, "binary") && !equals_without_case(value, "8bit") &&
          !equals_without_case(value, "7bit")) {
        refuse_encoding();
      }
    } else if (equals_without_case(name, "content-encoding")) {
      if (!equals_without_case(value, "identity")) refuse_encoding();
    }
  }
  PartHead finish() { return std::move(head_); }

 private:
  static void once(bool& seen) {
    if (std::exchange(seen, true)) refuse("a field comes twice in a part's head");
  }
  [[noreturn]] static void refuse_encoding() {
    throw Error(ErrorCode::kUnsupportedMediaType, "an encoded part");
  }

  PartHead head_{{"text/plain", {}}, {}};  // RFC 2046 section 5.1: where a part doesn't say
  bool has_type_ = false;
  bool has_location_ = false;
};

}  // namespace

Multipart::Multipart(Source& body, std::string_view boundary, std::size_t most_parts)
    : body_(body), delimiter_(delimiter_of(boundary)), most_parts_(most_parts) {}

std::optional<PartHead> Multipart::next() try {
  if (ended_) return std::nullopt;
  while (!next_content().empty()) continue;
  if (ends_all()) {
    if (parts_ == 0) refuse("no part");
    while (!body_.next().empty()) continue;  // the epilogue
    ended_ = true;
    return std::nullopt;
  }
  if (++parts_ > most_parts_) throw Error(ErrorCode::kTooLarge, "more parts than allowed");
  PartHead head = read_head();
  // The empty line that ends the head may be the one that a boundary follows.
  matched_ = borrowed_ = 2;
  before_delimiter_ = true;
  return head;
} catch (const Error&) {
  failed_ = true;
  throw;
}

ByteView Multipart::Content::next() try { return parts_.next_content(); } catch (const Error&) {
  parts_.failed_ = true;
  throw;
}

ByteView Multipart::next_content() {
  const ByteView delimiter = as_bytes(delimiter_);
  while (before_delimiter_) {
    require_more();
    if (matched_ > 0) {
      const ByteView wanted = delimiter.subspan(matched_);
      const auto [end, ignored] =
          std::mismatch(piece_.begin(), piece_.end(), wanted.begin(), wanted.end());
      const auto size = static_cast<std::size_t>(end - piece_.begin());
      if (size == wanted.size() || size == piece_.size()) {
        piece_ = piece_.subspan(size);
        before_delimiter_ = size != wanted.size();
        matched_ += size;
        continue;
      }
      const ByteView disproved = delimiter.subspan(borrowed_, matched_ - borrowed_);
      matched_ = borrowed_ = 0;
      if (!disproved.empty()) return disproved;
    }
    const void* const found =
        memmem(piece_.data(), piece_.size(), delimiter.data(), delimiter.size());
    ByteView content = piece_;
    if (found != nullptr) {
      content =
          piece_.first(static_cast<std::size_t>(static_cast<const Byte*>(found) - piece_.data()));
      piece_ = piece_.subspan(content.size() + delimiter.size());
      before_delimiter_ = false;
      return content;
    }
    // A delimiter may begin at the piece's end.
    const ByteView tail = piece_.last(std::min(piece_.size(), delimiter.size() - 1));
    const auto cr = as_text(tail).rfind('\r');
    if (cr != std::string_view::npos && delimiter_.starts_with(as_text(tail.subspan(cr)))) {
      matched_ = tail.size() - cr;
      content = piece_.first(piece_.size() - matched_);
    }
    piece_ = {};
    if (!content.empty()) return content;
  }
  return {};
}

// Whether there is nothing behind piece_ either; else piece_ isn't empty.
bool Multipart::at_end() {
  if (piece_.empty()) piece_ = body_.next();
  return piece_.empty();
}

void Multipart::require_more() {
  if (at_end()) throw Error(ErrorCode::kTruncatedBody, "the body ends before its final boundary");
}

Byte Multipart::take() {
  require_more();
  const Byte byte = piece_.front();
  piece_ = piece_.subspan(1);
  return byte;
}

// The rest of a boundary's line: "--" after the last one, white space that a mail gateway may have
// added, and the line's end, which after the last one may be the body's.
bool Multipart::ends_all() {
  Byte byte = take();
  const bool is_last = byte == '-';
  if (is_last) {
    if (take() != '-') refuse("something follows a boundary on its line");
    if (at_end()) return true;
    byte = take();
  }
  for (std::size_t padding = 0; byte == ' ' || byte == '\t'; ++padding) {
    if (padding == kMaxPadding) refuse("too much white space after a boundary");
    if (is_last && at_end()) return true;
    byte = take();
  }
  if (byte != '\r' || take() != '\n') refuse("something follows a boundary on its line");
  return is_last;
}

PartHead Multipart::read_head() {
  std::size_t room = kMaxHeadBytes;
  HeadReader head;
  std::string field;
  while (true) {
    const std::string line = take_line(room);
    // RFC 5322 section 2.2.3: a line that begins with white space goes on with the one before.
    if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
      if (field.empty()) refuse("a part's head begins with white space");
      field += line;
      continue;
    }
    if (!field.empty()) head.field(field);
    if (line.empty()) return head.finish();
    field = line;
  }
}

// Without its CRLF.
std::string Multipart::take_line(std::size_t& room) {
  std::string line;
  while (true) {
    const Byte byte = take();
    if (room-- == 0) throw Error(ErrorCode::kFieldsTooLarge, "a part's head is too large");
    if (byte == '\n') break;
    line += static_cast<char>(byte);
  }
  if (line.empty() || line.back() != '\r') refuse("a line of a part's head ends without CRLF");
  line.pop_back();
  if (line.find_first_of(std::string_view("\0\r", 2)) != std::string::npos) {
    refuse("a control character in a part's head");
  }
  return line;
}

}  // namespace letterbox::gateway::stow
