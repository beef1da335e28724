#include "gateway/conditions.h"

namespace letterbox::gateway {

namespace {

constexpr std::string_view kBetweenTags = " \t,";

}  // namespace

std::string version_tag(std::uint32_t version) {
  return "\"v" + std::to_string(version) + '"';
}

bool lists_tag(std::string_view field, std::string_view etag, TagComparison comparison) {
  if (field == "*") return true;
  bool found = false;
  while (true) {
    const auto begin = field.find_first_not_of(kBetweenTags);
    if (begin == std::string_view::npos) return found;
    field.remove_prefix(begin);
    const bool is_weak = field.starts_with("W/");
    if (is_weak) field.remove_prefix(2);
    // A quote can't be in a tag, so the next one ends it. A comma can.
    const auto end = field.starts_with('"') ? field.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    const bool counts = !is_weak || comparison == TagComparison::kWeak;
    found = found || (counts && field.substr(0, end + 1) == etag);
    field.remove_prefix(end + 1);
  }
}

}  // namespace letterbox::gateway
