#include "gateway/configure.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "gateway/settings.h"
#include "gateway/settings_file.h"

namespace letterbox::gateway {

namespace {

std::optional<std::string> variable(const std::string& name) {
  // Before there is a second thread.
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

[[noreturn]] void refuse(const std::string& origin, const std::string& why) {
  throw Error(ErrorCode::kConfiguration, origin + ": " + why);
}

// Values as they come in: a later one goes over an earlier one.
class Intake {
 public:
  Intake() : settings_(settings_of(result_.config)) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  void take_file(const std::string& file) {
    for (const FileEntry& entry : read_settings_file(file)) {
      const std::string origin = file + " line " + std::to_string(entry.line);
      if (entry.kind == FileEntry::Kind::kTable && is_table(entry.key)) continue;
      const Setting* const setting = find(entry.key);
      if (setting == nullptr) refuse(origin, "there is no setting " + entry.key);
      require_notation(*setting, entry, origin);
      set(*setting, entry.text, origin);
    }
  }

  void take_environment() {
    for (const Setting& setting : settings_) {
      const std::string name = setting.variable();
      if (const auto value = variable(name)) set(setting, *value, name);
    }
  }

  void take_flags(const std::map<std::string, std::string>& flags) {
    for (const auto& [key, value] : flags) {
      const Setting* const setting = find(key);
      if (setting == nullptr) refuse(key, "there is no such setting");
      set(*setting, value, setting->flag());
    }
  }

  Configuration result() const {
    require_consistent(result_.config);
    return result_;
  }

 private:
  const Setting* find(const std::string& key) const {
    const auto found = std::find_if(settings_.begin(), settings_.end(),
                                    [&](const Setting& setting) { return setting.key == key; });
    return found == settings_.end() ? nullptr : &*found;
  }

  bool is_table(const std::string& key) const {
    return std::any_of(settings_.begin(), settings_.end(),
                       [&](const Setting& setting) { return setting.key.starts_with(key + '.'); });
  }

  static void require_notation(const Setting& setting, const FileEntry& entry,
                               const std::string& origin) {
    const bool string = entry.kind == FileEntry::Kind::kString;
    const bool integer = entry.kind == FileEntry::Kind::kInteger;
    const bool boolean = entry.kind == FileEntry::Kind::kBoolean;
    switch (setting.field.notation) {
      case Notation::kString:
        if (!string) refuse(origin, setting.key + " must be a string");
        return;
      case Notation::kInteger:
        if (!integer) refuse(origin, setting.key + " must be an integer, " + setting.field.form);
        return;
      case Notation::kBoolean:
        if (!boolean) refuse(origin, setting.key + " must be true or false");
        return;
      case Notation::kSize:
        if (!string && !integer) {
          refuse(origin, setting.key + " must be an integer, or a string like \"16 KiB\"");
        }
        return;
    }
  }

  void set(const Setting& setting, const std::string& value, const std::string& origin) {
    try {
      setting.field.set(value);
    } catch (const Error& error) {
      refuse(origin, setting.key + ": " + error.what());
    }
    result_.origins[setting.key] = origin;
  }

  Configuration result_;
  std::vector<Setting> settings_;  // bound to result_
};

}  // namespace

Configuration configure(const std::string& file, const std::map<std::string, std::string>& flags) {
  Intake intake;
  const std::string named = file.empty() ? variable("LETTERBOX_CONFIG").value_or("") : file;
  if (!named.empty()) intake.take_file(named);
  intake.take_environment();
  intake.take_flags(flags);
  return intake.result();
}

}  // namespace letterbox::gateway
