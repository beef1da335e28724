// The table of settings: how each one is called, what it takes, and which field of Config it is.
// Flags, environment, file, `--help` and the reference all follow from it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gateway/config.h"

namespace letterbox::gateway {

/// How a value is written in TOML.
enum class Notation : std::uint8_t {
  kString,
  kInteger,
  kBoolean,
  kSize,  ///< bytes: an integer, or a string with a unit ("16 KiB", "128 MiB")
};

/// A field of a Config, as text.
struct Field {
  Notation notation;
  std::string form;  ///< what a value looks like: "HOST:PORT", "1 to 4096"
  /// Throws Error kConfiguration, saying what is allowed.
  std::function<void(const std::string&)> set;
  /// As `set` takes it; empty if the value is absent.
  std::function<std::string()> get;
};

struct Setting {
  std::string key;  ///< as in TOML: "limits.body_bytes"
  Field field;
  std::string meaning;  ///< a sentence for --help and the reference

  std::string flag() const;      ///< "--limits-body-bytes"
  std::string variable() const;  ///< "LETTERBOX_LIMITS_BODY_BYTES"
};

/// All of them, in the order of the reference, bound to `config`, which must outlive them.
std::vector<Setting> settings_of(Config& config);

}  // namespace letterbox::gateway
