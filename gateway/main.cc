// letterboxd: the gateway.

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/error.h"
#include "gateway/config.h"
#include "gateway/health_command.h"
#include "gateway/recipient_command.h"
#include "gateway/serve.h"

namespace {

using letterbox::gateway::Config;

// Flag before environment. Values that are absent keep their defaults.
void add_data_options(CLI::App& app, Config& config) {
  app.add_option("--data", config.data, "Data directory; made if absent")
      ->envname("LETTERBOX_DATA")
      ->required();
  app.add_option("--database", config.database,
                 "PostgreSQL URL instead of the private cluster; a password only by passfile=")
      ->envname("LETTERBOX_DATABASE");
  app.add_option("--user", config.user, "Account to become when started as root")
      ->envname("LETTERBOX_USER");
  app.add_option("--database-connections", config.database_connections,
                 "Most database connections at once")
      ->envname("LETTERBOX_DATABASE_CONNECTIONS")
      ->check(CLI::Range(2, 100));
}

int run(int argc, char** argv) {
  Config config;
  std::string record;
  std::string recipient;

  CLI::App app("letterboxd: takes in files, seals them for their recipients, hands out ciphertext");
  app.set_version_flag("--version", "letterboxd " LETTERBOX_VERSION);
  app.require_subcommand(1);

  CLI::App& serve = *app.add_subcommand("serve", "Serve HTTPS until SIGTERM");
  add_data_options(serve, config);
  serve.add_option("--listen", config.listen, "HOST:PORT; port 0 takes a free one")
      ->envname("LETTERBOX_LISTEN")
      ->capture_default_str();
  serve.callback([&] { letterbox::gateway::serve(config); });

  CLI::App& health = *app.add_subcommand("health", "Exit with 0 if the gateway answers");
  add_data_options(health, config);
  health.callback([&] { letterbox::gateway::ask_health(config.data); });

  CLI::App& directory = *app.add_subcommand("recipient", "The directory of recipients");
  directory.require_subcommand(1);
  CLI::App& add = *directory.add_subcommand("add", "Add a device record (from letterbox keygen)");
  add_data_options(add, config);
  add.add_option("RECORD", record, "The record's file, or - for standard input")->required();
  add.callback([&] { letterbox::gateway::add_recipient(config, record); });
  CLI::App& list =
      *directory.add_subcommand("list", "Handle, age key and fingerprint of each device");
  add_data_options(list, config);
  list.callback([&] { letterbox::gateway::list_recipients(config); });
  CLI::App& remove = *directory.add_subcommand("remove", "Remove a device");
  add_data_options(remove, config);
  remove.add_option("RECIPIENT", recipient, "Its age1… string")->required();
  remove.callback([&] { letterbox::gateway::remove_recipient(config, recipient); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return 0;
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
