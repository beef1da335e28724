// The command line of `letterboxd audit …`.
#pragma once

#include <functional>

#include "gateway/config.h"

namespace CLI {
class App;
}

namespace letterbox::gateway::audit {

/// Adds `audit` and what is below it to `app`. `add_settings` gives a command the flags of
/// settings, and `config` says what they came to; it is called when a command runs.
void add_commands(CLI::App& app, const std::function<void(CLI::App&)>& add_settings,
                  const std::function<Config()>& config);

}  // namespace letterbox::gateway::audit
