#include "gateway/routes/target.h"

#include <algorithm>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1. A plus sign stands for itself.
std::string percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      throw Error(ErrorCode::kMalformed, "a percent-encoding in the query is malformed");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

}  // namespace

Target::Target(std::string_view path, std::string_view query) {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  for (const std::string_view segment : split(path, '/')) segments_.emplace_back(segment);
  if (query.empty()) return;
  for (const std::string_view parameter : split(query, '&')) {
    const auto equals = parameter.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
    parameters_.emplace_back(percent_decode(parameter.substr(0, equals)), percent_decode(value));
  }
}

std::vector<std::string> Target::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : parameters_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::optional<std::string> Target::one(std::string_view name) const {
  std::vector<std::string> values = all(name);
  if (values.size() > 1) throw Error(ErrorCode::kMalformed, "a query parameter comes twice");
  if (values.empty()) return std::nullopt;
  return std::move(values.front());
}

void Target::allow_only(std::initializer_list<std::string_view> known) const {
  for (const auto& parameter : parameters_) {
    if (std::find(known.begin(), known.end(), parameter.first) == known.end()) {
      throw Error(ErrorCode::kMalformed, "an unknown query parameter");
    }
  }
}

}  // namespace letterbox::gateway
