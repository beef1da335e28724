// The settings file, TOML 1.0, as a flat list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace letterbox::gateway {

struct FileEntry {
  enum class Kind : std::uint8_t { kString, kInteger, kBoolean, kTable, kOther };
  std::string key;   ///< with those of its tables: "limits.workers"
  Kind kind;         ///< kTable: the table's own entry, before those in it
  std::string text;  ///< of a string, integer or boolean
  unsigned line;     ///< from 1
};

/// Everything in the file. Throws Error kConfiguration, naming file and line, if it isn't TOML;
/// kFile if it can't be read.
std::vector<FileEntry> read_settings_file(const std::filesystem::path& file);

}  // namespace letterbox::gateway
