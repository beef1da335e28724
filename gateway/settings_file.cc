#include "gateway/settings_file.h"

#include <toml++/toml.h>

#include "base/error.h"
#include "gateway/data_directory.h"

namespace letterbox::gateway {

namespace {

void flatten(const toml::table& table, const std::string& prefix, std::vector<FileEntry>& entries) {
  using Kind = FileEntry::Kind;
  for (const auto& [name, node] : table) {
    FileEntry entry{prefix + std::string(name.str()), Kind::kOther, "", name.source().begin.line};
    if (const auto* string = node.as_string()) {
      entry.kind = Kind::kString;
      entry.text = string->get();
    } else if (const auto* integer = node.as_integer()) {
      entry.kind = Kind::kInteger;
      entry.text = std::to_string(integer->get());
    } else if (const auto* boolean = node.as_boolean()) {
      entry.kind = Kind::kBoolean;
      entry.text = boolean->get() ? "true" : "false";
    } else if (node.is_table()) {
      entry.kind = Kind::kTable;
    }
    entries.push_back(entry);
    if (const auto* inner = node.as_table()) flatten(*inner, entry.key + '.', entries);
  }
}

}  // namespace

std::vector<FileEntry> read_settings_file(const std::filesystem::path& file) {
  const Bytes content = read_file(file);
  try {
    std::vector<FileEntry> entries;
    flatten(toml::parse(as_text(content), file.string()), "", entries);
    return entries;
  } catch (const toml::parse_error& error) {
    // Its description may quote the file, which holds no secret.
    throw Error(ErrorCode::kConfiguration, file.string() + " line " +
                                               std::to_string(error.source().begin.line) +
                                               ": isn't TOML: " + std::string(error.description()));
  }
}

}  // namespace letterbox::gateway
