#include "records/handle.h"

#include <algorithm>

namespace letterbox::records {

namespace {

constexpr std::size_t kMaxPartSize = 64;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPartSize && is_letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_tenant(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPartSize && is_letter_or_digit(text.front()) &&
         is_letter_or_digit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '-';
         });
}

}  // namespace

std::optional<Handle> Handle::parse(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  if (!is_name(text.substr(0, at)) || !is_tenant(text.substr(at + 1))) return std::nullopt;
  return Handle(std::string(text));
}

}  // namespace letterbox::records
