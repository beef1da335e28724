#include "gateway/admin/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/certificates.h"

namespace letterbox::gateway::admin {

namespace {

// What the command line says beside its settings.
struct Arguments {
  std::string name;
  std::string address;
  bool off = false;
  std::filesystem::path output;
  std::filesystem::path certificate;
  InviteOptions invite;
  LimitOptions limits;
  WebhookOptions webhook;
  MachineTokenOptions token;
  MailboxOptions mailbox;
};

class CommandLine {
 public:
  CommandLine(CLI::App& app, const std::function<void(CLI::App&)>& add_settings,
              const std::function<Config()>& config)
      : admin_(*app.add_subcommand("admin", "Who is who, from the host, without network")),
        add_settings_(add_settings),
        config_(config) {
    admin_.require_subcommand(1);
  }

  void add() {
    add_tenant_commands();
    add_invite();
    add_device_commands();
    add_principal_commands();
    add_machine_commands();
    add_mailbox_commands();
  }

 private:
  using Action = std::function<void(const Config&, Arguments&)>;

  CLI::App& noun(const char* name, const char* meaning) {
    CLI::App& added = *admin_.add_subcommand(name, meaning);
    added.require_subcommand(1);
    return added;
  }

  // A command that does `action` once its arguments and settings are known.
  CLI::App& verb(CLI::App& above, const char* name, const char* meaning, const Action& action) {
    CLI::App& added = *above.add_subcommand(name, meaning);
    add_settings_(added);
    added.callback(
        [action, config = config_, arguments = arguments_] { action(config(), *arguments); });
    return added;
  }

  void positional(CLI::App& command, const char* name, std::string& to, const char* meaning) {
    command.add_option(name, to, meaning)->required();
  }

  void output(CLI::App& command) {
    command
        .add_option("--output", arguments_->output,
                    "File for the secret, mode 0600; absent: standard output, if it is a terminal")
        ->type_name("FILE");
  }

  void certificate(CLI::App& command) {
    command.add_option("--certificate", arguments_->certificate, "The machine's certificate, PEM")
        ->type_name("FILE")
        ->required();
  }

  void add_tenant_commands() {
    CLI::App& tenant = noun("tenant", "Tenants, which never see each other");
    CLI::App& add =
        verb(tenant, "add", "Make a tenant", [](const Config& config, Arguments& given) {
          add_tenant(Host(config).store(), given.name, std::cout, config.quota);
        });
    positional(add, "NAME", arguments_->name, "What stands after the @ of its handles");
    verb(tenant, "list", "Name of each tenant",
         [](const Config& config, Arguments&) { list_tenants(Host(config).store(), std::cout); });
    CLI::App& limits = verb(tenant, "limits", "Show what a tenant may, and set what is given",
                            [](const Config& config, Arguments& given) {
                              tenant_limits(Host(config).store(), given.limits, std::cout);
                            });
    LimitOptions& options = arguments_->limits;
    positional(limits, "NAME", options.tenant, "The tenant");
    const auto limit = [&](const char* flag, std::string& to, const char* type,
                           const char* meaning) {
      limits.add_option(flag, to, meaning + std::string("; or default"))->type_name(type);
    };
    limit("--quota", options.quota, "SIZE", "What it may have stored, like \"500 GiB\"");
    limit("--life", options.life, "DAYS", "How long a delivery lives if its sender doesn't say");
    limit("--longest-life", options.longest_life, "DAYS", "What a sender may ask for");
    limit("--downloads", options.downloads, "NUMBER",
          "How often each device may download each file if the sender doesn't say");
    limit("--most-downloads", options.most_downloads, "NUMBER", "What a sender may ask for");
    add_webhook(tenant);
  }

  void add_webhook(CLI::App& tenant) {
    CLI::App& webhook =
        verb(tenant, "webhook", "Show where a tenant's notices are sent, and set it",
             [](const Config& config, Arguments& given) {
               WebhookOptions options = given.webhook;
               // By the rights of who calls.
               if (!given.certificate.empty()) {
                 check_authorities(given.certificate);
                 options.authority = std::string(as_text(read_file(given.certificate)));
               }
               tenant_webhook(Host(config).store(), options, std::cout);
             });
    WebhookOptions& options = arguments_->webhook;
    positional(webhook, "NAME", options.tenant, "The tenant");
    webhook.add_option("--url", options.url, "Where to")->type_name("https://…");
    webhook
        .add_option("--ca", arguments_->certificate,
                    "PEM: who alone vouches for the receiver; absent: whom the system trusts")
        ->type_name("FILE");
    webhook.add_flag("--off", options.off, "Nowhere");
  }

  void add_invite() {
    CLI::App& command = verb(
        admin_, "invite", "Invite somebody, or a further device of somebody, for `letterbox login`",
        [](const Config& config, Arguments& given) {
          SecretOutput output(given.output);
          Host host(config);
          invite(host.store(), host.data(), given.invite, output);
        });
    InviteOptions& options = arguments_->invite;
    positional(command, "HANDLE", options.handle, "Who is invited");
    command.add_flag("--administrator", options.administrator,
                     "As an administrator, who neither sends nor receives");
    command.add_option("--hours", options.hours, "How long the invitation is good, at most 336")
        ->capture_default_str();
    output(command);
  }

  void add_device_commands() {
    CLI::App& device = noun("device", "People's devices");
    CLI::App& list =
        verb(device, "list", "Fingerprint, its words, and state of each device",
             [](const Config& config, Arguments& given) {
               Host host(config);
               list_devices(host.store(), host.signing_key().verify_key(), given.name, std::cout);
             });
    positional(list, "HANDLE", arguments_->name, "Whose");
    CLI::App& revoke = verb(
        device, "revoke", "Revoke a device for good", [](const Config& config, Arguments& given) {
          Host host(config);
          revoke_device(host.store(), host.signing_key(), given.name, std::cout);
        });
    positional(revoke, "FINGERPRINT", arguments_->name, "Of its signing key, 64 digits");
  }

  void add_principal_commands() {
    CLI::App& principal = noun("principal", "People, machines and administrators");
    verb(principal, "list", "Handle, kind and state of each in --tenant",
         [](const Config& config, Arguments&) {
           list_principals(Host(config).store(), config.tenant, std::cout);
         });
    CLI::App& revoke =
        verb(principal, "revoke", "Revoke somebody for good, devices and certificates with them",
             [](const Config& config, Arguments& given) {
               Host host(config);
               revoke_principal(host.store(), host.signing_key(), given.name, std::cout);
             });
    positional(revoke, "HANDLE", arguments_->name, "Whose");
    CLI::App& mail = verb(
        principal, "mail", "Show where somebody is told that there is something new, and set it",
        [](const Config& config, Arguments& given) {
          principal_mail(Host(config).store(), given.name, given.address, given.off, std::cout);
        });
    positional(mail, "HANDLE", arguments_->name, "Who");
    mail.add_option("ADDRESS", arguments_->address, "A mail address that the relay delivers to");
    mail.add_flag("--off", arguments_->off, "Nowhere");
  }

  void add_machine_commands() {
    CLI::App& machine = noun("machine", "Machines: known by a certificate, or else by a token");
    CLI::App& add = verb(machine, "add", "Let a machine in by its client certificate",
                         [](const Config& config, Arguments& given) {
                           const Digest public_key = public_key_digest(given.certificate);
                           add_machine(Host(config).store(), given.name, public_key, std::cout);
                         });
    positional(add, "HANDLE", arguments_->name, "The machine; made if it is new");
    certificate(add);
    CLI::App& revoke = verb(machine, "revoke", "Revoke a certificate for good",
                            [](const Config& config, Arguments& given) {
                              const Digest public_key = public_key_digest(given.certificate);
                              revoke_certificate(Host(config).store(), public_key, std::cout);
                            });
    certificate(revoke);
    verb(machine, "list", "Certificates and tokens in --tenant",
         [](const Config& config, Arguments&) {
           list_machines(Host(config).store(), config.tenant, std::cout);
         });

    CLI::App& token = verb(
        machine, "token", "Make a token for a machine that can't show a certificate",
        [](const Config& config, Arguments& given) {
          SecretOutput output(given.output);
          Host host(config);
          std::cerr << "token " << make_machine_token(host.store(), given.token, output)
                    << (config.machine_tokens ? "\n" : "; it is taken with machine.tokens alone\n");
        });
    MachineTokenOptions& options = arguments_->token;
    positional(token, "HANDLE", options.handle, "The machine; made if it is new");
    token.add_option("--mailbox", options.mailbox, "The one mailbox that it may deposit to")
        ->type_name("NAME")
        ->required();
    token.add_option("--from", options.range, "The addresses that it may come from")
        ->type_name("ADDRESS/BITS")
        ->required();
    output(token);
    CLI::App& revoke_token =
        verb(machine, "revoke-token", "Revoke a token of --tenant for good",
             [](const Config& config, Arguments& given) {
               revoke_machine_token(Host(config).store(), config.tenant, given.name, std::cout);
             });
    positional(revoke_token, "ID", arguments_->name, "As `admin machine list` shows it");
  }

  void add_mailbox_commands() {
    CLI::App& mailbox = noun("mailbox", "Named lists of recipients, in --tenant");
    CLI::App& put = verb(mailbox, "put", "Make a mailbox, or replace the one of this name",
                         [](const Config& config, Arguments& given) {
                           given.mailbox.tenant = config.tenant;
                           put_mailbox(Host(config).store(), given.mailbox, std::cout);
                         });
    MailboxOptions& options = arguments_->mailbox;
    positional(put, "NAME", options.name, "As in /v1/files?mailbox=NAME");
    put.add_option("--to", options.recipients, "Who receives what is put in")
        ->type_name("HANDLE")
        ->required();
    put.add_option("--from", options.depositors, "Who may put something in")->type_name("HANDLE");
    put.add_option("--closes-after", options.closes_after,
                   "How long a study must have been quiet before it is delivered; 0: not at all")
        ->type_name("SECONDS")
        ->capture_default_str();
    verb(mailbox, "list", "Recipients and depositors of each",
         [](const Config& config, Arguments&) {
           list_mailboxes(Host(config).store(), config.tenant, std::cout);
         });
    CLI::App& remove =
        verb(mailbox, "remove", "Remove a mailbox, and the tokens for it",
             [](const Config& config, Arguments& given) {
               remove_mailbox(Host(config).store(), config.tenant, given.name, std::cout);
             });
    positional(remove, "NAME", arguments_->name, "The mailbox");
  }

  CLI::App& admin_;
  const std::function<void(CLI::App&)>& add_settings_;
  std::function<Config()> config_;
  // The callbacks' own, who outlive this.
  std::shared_ptr<Arguments> arguments_ = std::make_shared<Arguments>();
};

}  // namespace

void add_commands(CLI::App& app, const std::function<void(CLI::App&)>& add_settings,
                  const std::function<Config()>& config) {
  CommandLine(app, add_settings, config).add();
}

}  // namespace letterbox::gateway::admin
