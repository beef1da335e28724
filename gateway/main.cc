// letterboxd: the gateway.

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "gateway/audit/export_command.h"
#include "gateway/config_command.h"
#include "gateway/configure.h"
#include "gateway/health_command.h"
#include "gateway/recipient_command.h"
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
  std::string record;
  std::string recipient;
  letterbox::gateway::AuditExport audit;

  Configuration configuration() const {
    Configuration read = letterbox::gateway::configure(config_file, settings);
    letterbox::log::set_format(read.config.log_format);
    return read;
  }
  Config config() const { return configuration().config; }
};

/// Which settings `--help` shows. All of them are taken, so that one command line fits each
/// command.
enum class Shown : std::uint8_t { kAll, kDatabase };

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
    const bool database = setting.key.find('.') == std::string::npos && setting.key != "listen";
    if (shown == Shown::kDatabase && !database) option.group("");
  }
}

void add_options(CLI::App& command, letterbox::gateway::AuditExport& wanted) {
  command.add_option("--only", wanted.tenant, "Of this tenant alone")->type_name("NAME");
  command.add_option("--after", wanted.after, "Go on after this record; once for each tenant")
      ->type_name("ID");
  command
      .add_option("--position", wanted.position, "Go on after what FILE says, and keep it there")
      ->type_name("FILE");
  command.add_option("--output", wanted.output, "Make FILE of it")->type_name("FILE");
  command.add_option("--syslog", wanted.syslog, "Send it to this collector over TLS (RFC 5425)")
      ->type_name("HOST:PORT");
  command.add_option("--ca", wanted.authority, "PEM: who vouches for the collector")
      ->type_name("FILE");
  command
      .add_option("--certificate", wanted.certificate, "PEM: ours, if the collector asks for one")
      ->type_name("FILE");
  command.add_option("--key", wanted.private_key, "PEM: its private key")->type_name("FILE");
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
  add_settings(health, arguments, Shown::kDatabase);
  health.callback([&] { letterbox::gateway::ask_health(arguments.config().data); });

  CLI::App& directory = *app.add_subcommand("recipient", "The directory of recipients");
  directory.require_subcommand(1);
  CLI::App& add = *directory.add_subcommand("add", "Add a device record (from letterbox keygen)");
  add_settings(add, arguments, Shown::kDatabase);
  add.add_option("RECORD", arguments.record, "The record's file, or - for standard input")
      ->required();
  add.callback([&] { letterbox::gateway::add_recipient(arguments.config(), arguments.record); });
  CLI::App& list =
      *directory.add_subcommand("list", "Handle, age key and fingerprint of each device");
  add_settings(list, arguments, Shown::kDatabase);
  list.callback([&] { letterbox::gateway::list_recipients(arguments.config()); });
  CLI::App& remove = *directory.add_subcommand("remove", "Remove a device");
  add_settings(remove, arguments, Shown::kDatabase);
  remove.add_option("RECIPIENT", arguments.recipient, "Its age1… string")->required();
  remove.callback(
      [&] { letterbox::gateway::remove_recipient(arguments.config(), arguments.recipient); });

  CLI::App& audit = *app.add_subcommand("audit", "The security audit trail");
  audit.require_subcommand(1);
  CLI::App& audit_export = *audit.add_subcommand(
      "export", "Hand it on as DICOM audit messages in syslog, and print how far");
  add_settings(audit_export, arguments, Shown::kDatabase);
  add_options(audit_export, arguments.audit);
  audit_export.callback(
      [&] { letterbox::gateway::export_audit(arguments.config(), arguments.audit); });

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
