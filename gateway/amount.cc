#include "gateway/amount.h"

#include <array>
#include <charconv>
#include <limits>

namespace letterbox::gateway {

namespace {

constexpr std::uint64_t kKib = 1024;

struct Unit {
  const char* name;
  std::uint64_t bytes;
};
constexpr std::array<Unit, 4> kUnits = {{{"TiB", kKib* kKib* kKib* kKib},
                                         {"GiB", kKib* kKib* kKib},
                                         {"MiB", kKib* kKib},
                                         {"KiB", kKib}}};

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t factor = 1;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    factor = unit.bytes;
    text.remove_suffix(3);
    if (text.ends_with(' ')) text.remove_suffix(1);
    break;
  }
  const std::optional<std::uint64_t> number = parse_number(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return *number * factor;
}

std::string size_text(std::uint64_t bytes) {
  for (const Unit& unit : kUnits) {
    if (bytes != 0 && bytes % unit.bytes == 0) {
      return std::to_string(bytes / unit.bytes) + ' ' + unit.name;
    }
  }
  return std::to_string(bytes);
}

}  // namespace letterbox::gateway
