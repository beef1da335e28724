// From flags, environment and file to one Config.
#pragma once

#include <map>
#include <string>

#include "gateway/config.h"

namespace letterbox::gateway {

/// A configuration, and where its values came from.
struct Configuration {
  Config config;
  /// By key: "--listen", "LETTERBOX_LISTEN", "letterboxd.toml line 3". What isn't here is a
  /// default.
  std::map<std::string, std::string> origins;
};

/// Reads the file `file` (empty: the one that LETTERBOX_CONFIG names, if any), then the environment
/// over it, then `flags` (values by key) over that. An empty variable counts as absent. Throws
/// Error kConfiguration, which names the setting, where it stands and what is allowed, for an
/// unknown key, a wrong type, a value out of range, or settings that don't go together; kFile. Not
/// thread-safe: it reads the environment.
Configuration configure(const std::string& file, const std::map<std::string, std::string>& flags);

}  // namespace letterbox::gateway
