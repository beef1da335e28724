#include "dicom/part10/uid.h"

namespace letterbox::dicom {

std::optional<std::string> parse_uid(std::string_view value) {
  if (!value.empty() && (value.back() == '\0' || value.back() == ' ')) value.remove_suffix(1);
  if (value.empty() || value.size() > kMaxUid) return std::nullopt;
  char before = '.';
  for (const char c : value) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c != '.' || before == '.')) return std::nullopt;
    before = c;
  }
  if (before == '.') return std::nullopt;
  return std::string(value);
}

}  // namespace letterbox::dicom
