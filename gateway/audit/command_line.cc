#include "gateway/audit/command_line.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "gateway/audit/export_command.h"

namespace letterbox::gateway::audit {

void add_commands(CLI::App& app, const std::function<void(CLI::App&)>& add_settings,
                  const std::function<Config()>& config) {
  CLI::App& audit = *app.add_subcommand("audit", "The security audit trail");
  audit.require_subcommand(1);

  CLI::App& command = *audit.add_subcommand(
      "export", "Hand it on as DICOM audit messages in syslog, and print how far");
  add_settings(command);
  const auto wanted = std::make_shared<AuditExport>();
  const auto option = [&](const char* flag, auto& value, const char* form, const char* meaning) {
    command.add_option(flag, value, meaning)->type_name(form);
  };
  option("--only", wanted->tenant, "NAME", "Of this tenant alone");
  option("--after", wanted->after, "ID", "Go on after this record; once for each tenant");
  option("--position", wanted->position, "FILE", "Go on after what FILE says, and keep it there");
  option("--output", wanted->output, "FILE", "Make FILE of it");
  option("--syslog", wanted->syslog, "HOST:PORT", "Send it to this collector over TLS (RFC 5425)");
  option("--ca", wanted->authority, "FILE", "PEM: who vouches for the collector");
  option("--certificate", wanted->certificate, "FILE", "PEM: ours, if the collector asks for one");
  option("--key", wanted->private_key, "FILE", "PEM: its private key");
  command.callback([config, wanted] { export_audit(config(), *wanted); });
}

}  // namespace letterbox::gateway::audit
