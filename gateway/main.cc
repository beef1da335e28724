// letterboxd: the gateway.

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "gateway/admin/command_line.h"
#include "gateway/audit/command_line.h"
#include "gateway/config_command.h"
#include "gateway/configure.h"
#include "gateway/health_command.h"
#include "gateway/serve.h"
#include "gateway/settings.h"

namespace {

using letterbox::gateway::Config;
using letterbox::gateway::Configuration;
using letterbox::gateway::Setting;

// What the command line says beside its subcommand.
struct Arguments {
  std::string config_file;
  std::map<std::string, std::string> settings;  ///< by key

  Configuration configuration() const {
    Configuration read = letterbox::gateway::configure(config_file, settings);
    letterbox::log::set_format(read.config.log_format);
    return read;
  }
  Config config() const { return configuration().config; }
};

/// Which settings `--help` shows. All of them are taken, so that one command line fits each
/// command.
enum class Shown : std::uint8_t { kAll, kHost, kHostAndTenant };

bool is_shown(const std::string& key, Shown shown) {
  switch (shown) {
    case Shown::kAll:
      return true;
    case Shown::kHost:
      return key == "data" || key == "user" || key.starts_with("database");
    case Shown::kHostAndTenant:
      return key == "tenant" || is_shown(key, Shown::kHost);
  }
  return true;
}

void add_settings(CLI::App& command, Arguments& arguments, Shown shown) {
  command
      .add_option("--config", arguments.config_file,
                  "TOML file of settings (LETTERBOX_CONFIG); docs/letterboxd.toml has them all")
      ->type_name("FILE");
  Config defaults;
  for (const Setting& setting : letterbox::gateway::settings_of(defaults)) {
    const std::string initial = setting.field.get();
    CLI::Option& option = *command.add_option_function<std::string>(
        setting.flag(),
        [&arguments, key = setting.key](const std::string& value) {
          arguments.settings[key] = value;
        },
        setting.meaning + (initial.empty() ? "" : " [" + initial + "]"));
    option.type_name(setting.field.form);
    if (!is_shown(setting.key, shown)) option.group("");
  }
}

int run(int argc, char** argv) {
  Arguments arguments;
  int result = 0;

  CLI::App app("letterboxd: takes in files, seals them for their recipients, hands out ciphertext");
  app.set_version_flag("--version", "letterboxd " LETTERBOX_VERSION);
  app.require_subcommand(1);

  CLI::App& serve = *app.add_subcommand("serve", "Serve HTTPS until SIGTERM");
  add_settings(serve, arguments, Shown::kAll);
  serve.callback([&] { letterbox::gateway::serve(arguments.config()); });

  CLI::App& config = *app.add_subcommand("config", "The settings");
  config.require_subcommand(1);
  CLI::App& check = *config.add_subcommand(
      "check", "Print the settings in effect and where each comes from, and say what is wrong");
  add_settings(check, arguments, Shown::kAll);
  check.callback(
      [&] { result = letterbox::gateway::check_config(arguments.configuration()) ? 0 : 1; });
  CLI::App& reference =
      *config.add_subcommand("reference", "Print a settings file with every default");
  reference.callback([] { letterbox::gateway::print_reference(); });

  CLI::App& health = *app.add_subcommand("health", "Exit with 0 if the gateway answers");
  add_settings(health, arguments, Shown::kHost);
  health.callback([&] { letterbox::gateway::ask_health(arguments.config().data); });

  letterbox::gateway::admin::add_commands(
      app, [&](CLI::App& command) { add_settings(command, arguments, Shown::kHostAndTenant); },
      [&] { return arguments.config(); });
  letterbox::gateway::audit::add_commands(
      app, [&](CLI::App& command) { add_settings(command, arguments, Shown::kHost); },
      [&] { return arguments.config(); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  return run(argc, argv);
} catch (const letterbox::Error& error) {
  std::cerr << "letterboxd: " << error.what() << "\n";
  return 1;
} catch (const std::exception& error) {
  std::cerr << "letterboxd: internal error: " << error.what() << "\n";
  return 1;
}
