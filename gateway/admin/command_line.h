// The command line of `letterboxd admin …`.
#pragma once

#include <functional>

#include "gateway/config.h"

namespace CLI {
class App;
}

namespace letterbox::gateway::admin {

/// Adds `admin` and all below it to `app`. `add_settings` gives a command the flags of settings,
/// and `config` says what they came to; it is called when a command runs.
void add_commands(CLI::App& app, const std::function<void(CLI::App&)>& add_settings,
                  const std::function<Config()>& config);

}  // namespace letterbox::gateway::admin
