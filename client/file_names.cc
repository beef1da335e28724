#include "client/file_names.h"

#include <algorithm>
#include <array>

#include "client/terminal.h"

namespace letterbox::client {
namespace {

constexpr std::size_t kLongestStem = 200;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lower(std::string_view text) {
  std::string all(text);
  std::ranges::transform(all, all.begin(), [](char c) { return lower(c); });
  return all;
}

// Any other part behind a dot stays, and the content's own follows it: report.pdf.bin.
std::string_view without_extension(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kOurs = {".dcm",  ".dicom", ".jpg",
                                                            ".jpeg", ".png",   ".bin"};
  for (const std::string_view extension : kOurs)
    if (name.size() > extension.size() && lower(name).ends_with(extension))
      return name.substr(0, name.size() - extension.size());
  return name;
}

}  // namespace

std::optional<std::string> stem_of(std::string_view name) {
  const std::string_view stem = without_extension(name);
  if (stem.empty() || stem.size() > kLongestStem || shown(name) != name ||
      stem.find_first_of("/\\:*?\"<>|") != std::string_view::npos ||
      stem.find_first_of(".-~ ") == 0 || stem.ends_with('.') || stem.ends_with(' '))
    return std::nullopt;
  return std::string(stem);
}

std::map<Uuid, std::string> stems_of(const std::map<Uuid, std::optional<std::string>>& names) {
  // Without case: some file systems know none.
  std::map<std::string, int> taken;
  std::map<Uuid, std::string> stems;
  for (const auto& [file, name] : names) {
    stems[file] = (name ? stem_of(*name) : std::nullopt).value_or(file.text());
    ++taken[lower(stems[file])];
  }
  for (auto& [file, stem] : stems)
    if (taken[lower(stem)] > 1) stem = file.text();
  return stems;
}

}  // namespace letterbox::client
