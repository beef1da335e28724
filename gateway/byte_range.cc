#include "gateway/byte_range.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

constexpr std::string_view kWhiteSpace = " \t";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

bool is_bytes(std::string_view unit) {
  // Section 14.1: names of range units are compared without case.
  return std::ranges::equal(unit, std::string_view("bytes"),
                            [](char a, char b) { return a == b || a == b - 'a' + 'A'; });
}

// 1*DIGIT. A number above all lengths is one, and stands for the highest there is.
std::optional<std::uint64_t> number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? value : std::numeric_limits<std::uint64_t>::max();
}

// A range-spec of bytes, section 14.1.2, before anybody knows how many there are.
struct Spec {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;  // without a first: how many from the end
};

std::optional<Spec> parse_spec(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, dash);
  const std::string_view behind = text.substr(dash + 1);
  const Spec spec{number(before), number(behind)};
  if (spec.first.has_value() == before.empty() || spec.last.has_value() == behind.empty()) {
    return std::nullopt;
  }
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

// Of which one may be asked for. Nothing: malformed. Section 5.6.1.2: empty elements of a list are
// passed over.
struct Specs {
  Spec first;
  bool are_more;
};

std::optional<Specs> parse_specs(std::string_view set) {
  std::optional<Specs> specs;
  while (true) {
    const auto comma = std::min(set.find(','), set.size());
    const std::string_view element = trim(set.substr(0, comma));
    if (!element.empty()) {
      const std::optional<Spec> spec = parse_spec(element);
      if (!spec) return std::nullopt;
      specs = Specs{specs ? specs->first : *spec, specs.has_value()};
    }
    if (comma == set.size()) return specs;
    set.remove_prefix(comma + 1);
  }
}

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kRangeNotSatisfiable, "a range of bytes that don't exist");
}

ByteRange satisfied(const Spec& spec, std::uint64_t size) {
  if (spec.first) {
    if (*spec.first >= size) refuse();
    return {*spec.first, std::min(spec.last.value_or(size - 1), size - 1)};
  }
  if (*spec.last == 0) refuse();
  return {size - std::min(*spec.last, size), size - 1};
}

}  // namespace

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + '-' + std::to_string(range.last) + '/' +
         std::to_string(size);
}

std::string content_range(std::uint64_t size) {
  return "bytes */" + std::to_string(size);
}

std::optional<ByteRange> asked_range(const std::optional<std::string>& field, std::uint64_t size) {
  if (!field) return std::nullopt;
  const std::string_view text = *field;
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || !is_bytes(text.substr(0, equals))) return std::nullopt;
  const std::optional<Specs> specs = parse_specs(text.substr(equals + 1));
  if (!specs) return std::nullopt;
  if (specs->are_more) {
    throw Error(ErrorCode::kSeveralRanges, "several ranges in one request");
  }
  return satisfied(specs->first, size);
}

bool if_range_holds(const std::optional<std::string>& field, std::string_view etag) {
  return !field || trim(*field) == etag;
}

}  // namespace letterbox::gateway
