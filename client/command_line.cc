#include "client/command_line.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "client/commands.h"
#include "client/exit_code.h"
#include "client/process.h"
#include "client/terminal.h"

namespace letterbox::client {
namespace {

struct GlobalOptions {
  std::string home;
  std::optional<std::string> server;
  std::optional<std::filesystem::path> passphrase_file;
  bool json = false;
};

using Command = std::function<ExitCode(const Session&)>;

template <typename Run>
Command done_by(Run run) {
  return [run](const Session& session) {
    run(session);
    return ExitCode::kOk;
  };
}

// What was asked for. CLI11 fills `options` when it parses, and `chosen` then.
struct CommandLine {
  CLI::App app{"Sends and receives sealed files through a letterbox gateway.", "letterbox"};
  GlobalOptions global;
  ConnectOptions connect;
  LoginOptions login;
  TrustOptions trust;
  std::optional<std::filesystem::path> invitation;
  std::string fingerprint;
  UnlockOptions unlock;
  std::filesystem::path record;
  std::string who;
  std::string id;
  std::optional<std::string> search;
  SendOptions send;
  GetOptions get;
  OpenOptions open;
  ShareOptions share;
  std::optional<std::string> receipts;
  Command chosen;

  CommandLine();

 private:
  void add_keyring_commands();
  void add_people_commands();
  void add_device_commands();
  void add_recovery_commands();
  void add_delivery_commands();
  void add_sharing_commands();
  void add_label_options(CLI::App* send_command);
  void choose(CLI::App* command, const Command& run) {
    command->callback([this, run] { chosen = run; });
  }
};

CommandLine::CommandLine() {
  app.set_version_flag("--version", LETTERBOX_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand after the command, too
  app.add_option("--home", global.home,
                 "Directory of this device's keys and of whom it knows [$LETTERBOX_HOME, or "
                 "~/.config/letterbox]");
  app.add_option("--server", global.server, "URL of the gateway, if not the connected one's");
  app.add_option("--passphrase-file", global.passphrase_file,
                 "File whose first line is the passphrase, instead of asking for it");
  app.add_flag("--json", global.json, "Results and errors as JSON objects");
  add_keyring_commands();
  add_people_commands();
  add_delivery_commands();
  add_sharing_commands();
}

void CommandLine::add_keyring_commands() {
  auto* const unlock_command = app.add_subcommand(
      "unlock", "Keep what opens the key file in the kernel's keyring, so that nothing asks");
  unlock_command->add_option("--for", unlock.time, "How long: 8h, 30m; at most 24h [8h]");
  choose(unlock_command, done_by([this](const Session& s) { client::unlock(s, unlock); }));
  choose(app.add_subcommand("lock", "Forget it again"),
         done_by([](const Session& s) { client::lock(s); }));
}

void CommandLine::add_people_commands() {
  auto* const connect_command = app.add_subcommand("connect", "Trust a gateway");
  connect_command->add_option("FILE", connect.file, "The file gateway.json from its operator")
      ->required();
  connect_command->add_flag("--replace", connect.replace, "Even if another one is trusted now");
  choose(connect_command, done_by([this](const Session& s) { client::connect(s, connect); }));

  auto* const login_command =
      app.add_subcommand("login", "Make this device's keys and enrol it, with an invitation");
  login_command->add_option("FILE", login.file, "The invitation; - is standard input")->required();
  login_command->add_flag("--replace", login.replace,
                          "All your earlier devices are lost: take their place, after a day");
  login_command->add_flag("--recover", login.recover,
                          "They are, but your recovery key vouches for this one: no wait");
  login_command->add_flag("--no-passphrase", login.no_passphrase,
                          "Leave the key file unsealed; for machines whose disk is protected");
  choose(login_command, done_by([this](const Session& s) { client::login(s, login); }));

  add_device_commands();
  add_recovery_commands();

  auto* const trust_command =
      app.add_subcommand("trust", "Know somebody's devices, after comparing fingerprints");
  trust_command->add_option("HANDLE", trust.handle, "Whose: name@tenant")->required();
  trust_command
      ->add_option("--fingerprint", trust.fingerprints,
                   "One that you have compared, in hexadecimal or words, instead of being asked")
      ->allow_extra_args(false);
  choose(trust_command, done_by([this](const Session& s) { client::trust(s, trust); }));

  auto* const recipient =
      app.add_subcommand("recipient", "The devices of others that this device knows");
  recipient->require_subcommand(1);
  auto* const add = recipient->add_subcommand("add", "Know a device from its device record");
  add->add_option("FILE", record, "The device.json of its --home")->required();
  choose(add, done_by([this](const Session& s) { recipient_add(s, record); }));
  choose(recipient->add_subcommand("list", "Show them, with fingerprints"),
         done_by([](const Session& s) { recipient_list(s); }));
  auto* const remove =
      recipient->add_subcommand("remove", "Forget the devices of somebody, or one");
  remove->add_option("WHO", who, "A handle or an age1… string")->required();
  choose(remove, done_by([this](const Session& s) { recipient_remove(s, who); }));
}

void CommandLine::add_device_commands() {
  auto* const device = app.add_subcommand("device", "Your own devices");
  device->require_subcommand(1);
  choose(device->add_subcommand("list", "Show them, with fingerprints"),
         done_by([](const Session& s) { device_list(s); }));
  auto* const invite = device->add_subcommand("invite", "Invite another device of yours");
  invite->add_option("--output", invitation, "New file for the invitation [shown on the terminal]");
  choose(invite, done_by([this](const Session& s) { device_invite(s, invitation); }));
  const auto add = [&](const char* name, const char* what, auto run) {
    auto* const command = device->add_subcommand(name, what);
    command->add_option("FINGERPRINT", fingerprint, "In hexadecimal or words")->required();
    choose(command, done_by([this, run](const Session& s) { run(s, fingerprint); }));
  };
  add("confirm", "Vouch for a new device of yours, after comparing its fingerprint",
      device_confirm);
  add("revoke", "Have nothing sealed for a device of yours any more, for good", device_revoke);
  choose(device->add_subcommand("sync", "Let your other devices open what this one can"),
         [](const Session& s) { return device_sync(s); });
}

void CommandLine::add_recovery_commands() {
  auto* const recovery =
      app.add_subcommand("recovery", "A device on paper, for the day when all others are lost");
  recovery->require_subcommand(1);
  choose(recovery->add_subcommand("make", "Make one, and show it once"),
         done_by([](const Session& s) { recovery_make(s); }));
  auto* const restore = recovery->add_subcommand(
      "restore", "Type it in: an empty --home becomes that device, to read what it was sent");
  restore->add_option("FILE", record, "The file gateway.json from the gateway's operator")
      ->required();
  choose(restore, done_by([this](const Session& s) { recovery_restore(s, record); }));
}

void CommandLine::add_delivery_commands() {
  auto* const send_command = app.add_subcommand("send", "Seal files on this device and send them");
  send_command->add_option("FILE", send.files, "Files; - is standard input");
  send_command->add_option("--to", send.to, "A handle, or the age1… string of one device")
      ->allow_extra_args(false);
  send_command->add_option("--expires", send.expires,
                           "7d, 12h, 30m, or a time as 2026-12-24T00:00:00Z [30d]");
  send_command->add_flag("--no-copy", send.no_copy, "Don't seal them for this device as well");
  send_command->add_flag("--seal-at-gateway", send.seal_at_gateway,
                         "Send them plain inside TLS, as a PACS does: the gateway seals them, each "
                         "as a delivery of its own");
  send_command->add_option(
      "--invite", send.invite,
      "If who it is for isn't enrolled yet: invite them, by a new file (- shows "
      "the invitation here), and hold the letter until letterbox trust");
  send_command->add_flag("--attach", send.attach,
                         "Send what isn't valid DICOM, JPEG or PNG, too, as it is and unchecked");
  send_command->add_flag("--resume", send.resume,
                         "Go on with sends that broke off, from what they had sealed");
  send_command->add_flag("--discard", send.discard, "Drop them");
  add_label_options(send_command);
  choose(send_command, done_by([this](const Session& s) { client::send(s, send); }));

  auto* const list_command = app.add_subcommand("list", "Show what came for this device");
  list_command->add_option("TEXT", search, "Only what mentions this: a name, a number, a study");
  choose(list_command, [this](const Session& s) { return client::list(s, search); });

  auto* const get_command = app.add_subcommand("get", "Fetch, verify and open");
  get_command->add_option("ID", get.id, "Of a delivery or a file")->required();
  get_command->add_option("-o,--output", get.output, "Where to; - is standard output");
  get_command->add_option("--output-dir", get.output_directory, "Directory for the files [.]");
  get_command->add_flag("--sealed", get.sealed, "Keep the age file and its covers, unopened");
  get_command->add_flag("--no-receipt", get.no_receipt, "Don't tell the sender that it was opened");
  get_command->add_flag("--force", get.force, "Overwrite existing files");
  choose(get_command, done_by([this](const Session& s) { client::get(s, get); }));

  auto* const delete_command =
      app.add_subcommand("delete", "Have the gateway forget what you sent");
  delete_command->add_option("ID", id, "Of a delivery or a file")->required();
  choose(delete_command, done_by([this](const Session& s) { client::remove(s, id); }));

  auto* const open_command = app.add_subcommand("open", "Verify and open a local age file");
  open_command->add_option("FILE", open.file, "The file; - is standard input")->required();
  open_command->add_option("-o,--output", open.output,
                           "Where to; - is standard output [FILE without .age]");
  open_command->add_option(
      "--cover", open.cover,
      "The covers that it is sealed under [FILE.cover.json, or some seen by get]");
  open_command->add_option("--identity", open.identity, "Another key file than this device's");
  open_command->add_flag("--force", open.force, "Overwrite an existing file");
  choose(open_command, done_by([this](const Session& s) { client::open(s, open); }));
}

void CommandLine::add_sharing_commands() {
  const auto add = [&](const char* name, const char* what, const char* option,
                       const char* who_it_is, auto run) {
    auto* const command = app.add_subcommand(name, what);
    command->add_option("DELIVERY", share.id, "Its id")->required();
    command->add_option(option, share.who, who_it_is)->required()->allow_extra_args(false);
    choose(command, done_by([this, run](const Session& s) { run(s, share); }));
  };
  add("share", "Let others open a delivery that you can open", "--to",
      "A handle, or the age1… string of one device", client::share);
  add("unshare", "Have the gateway give it to somebody no more", "--from",
      "A handle, or the age1… string of one device; who didn't send it can drop their own alone",
      client::unshare);

  auto* const revoke_command = app.add_subcommand(
      "revoke", "Take back a delivery that you sent: the gateway gives it to nobody any more");
  revoke_command->add_option("DELIVERY", id, "Its id")->required();
  choose(revoke_command, done_by([this](const Session& s) { client::revoke(s, id); }));

  auto* const sent_command =
      app.add_subcommand("sent", "Show what you sent, and what became of it");
  sent_command->add_option("DELIVERY", search, "Only this one: its id");
  choose(sent_command, [this](const Session& s) { return client::sent(s, search); });

  auto* const watch_command = app.add_subcommand(
      "watch", "Print a line for whatever happens to what you sent and were sent, as it happens");
  watch_command->add_option("--after", search, "An event's id: what happened since, too");
  choose(watch_command, done_by([this](const Session& s) { client::watch(s, search); }));

  auto* const receipts_command =
      app.add_subcommand("receipts", "Whether get tells senders that you opened what they sent");
  receipts_command->add_option("on|off", receipts, "What it shall be, if not as it is")
      ->check(CLI::IsMember({"on", "off"}));
  choose(receipts_command, done_by([this](const Session& s) {
           client::receipts(s, receipts ? std::optional(*receipts == "on") : std::nullopt);
         }));
}

void CommandLine::add_label_options(CLI::App* send_command) {
  static constexpr const char* kPhotos = "What the photos show";
  LabelOptions& label = send.label;
  const auto add = [&](const char* name, auto& value, const char* what) {
    send_command->add_option(name, value, what)->group(kPhotos);
  };
  send_command
      ->add_flag("--as-dicom", send.as_dicom,
                 "Send photos as DICOM (VL Photographic Image), one series of one study")
      ->group(kPhotos);
  add("--patient", label.patient,
      "Whose picture it is: the name, as DICOM writes it: FAMILY^GIVEN");
  add("--patient-id", label.patient_id, "The patient's number, with the name or instead of it");
  add("--born", label.born, "The patient's birth date: 1970-12-31");
  send_command->add_flag("--no-patient", label.no_patient, "There is no patient in it")
      ->group(kPhotos);
  add("--worklist", label.worklist,
      "File of a worklist's entry, DICOM JSON, that says whose it is, and which study it belongs "
      "to");
  add("--body-site", label.body_site, "Of the body: hand");
  add("--side", label.side, "left, right or both");
  add("--note", label.note, "What else to say of it");
  add("--consent", label.consent, "What the patient agreed to");
}

int report(const Error& error, bool as_json) {
  const auto code = static_cast<int>(exit_code(error.code()));
  if (!as_json) {
    std::cerr << "letterbox: " << error.what() << '\n';
    return code;
  }
  nlohmann::json object = {
      {"code", to_string(error.code())}, {"exit", code}, {"message", error.what()}};
  if (const auto* refusal = dynamic_cast<const Refused*>(&error))
    object["check"] = refusal->check();
  std::cerr << nlohmann::json{{"error", object}} << '\n';
  return code;
}

}  // namespace

int run(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return line.app.exit(error);  // --help, --version
    return report(Error(ErrorCode::kUsage, printable(error.what()) + "; see letterbox --help"),
                  line.global.json);
  }
  try {
    harden_process();
    const Session session{
        Home(line.global.home.empty() ? default_home() : std::filesystem::path(line.global.home)),
        line.global.server, line.global.passphrase_file, line.global.json};
    if (!line.send.resume && !line.send.discard) tell_of_unfinished_sends(session);
    const ExitCode code = line.chosen(session);
    std::cout.flush();
    if (!std::cout) throw Error(ErrorCode::kFile, "standard output can't be written");
    return static_cast<int>(code);
  } catch (const Error& error) {
    return report(error, line.global.json);
  } catch (const std::filesystem::filesystem_error& error) {
    return report(Error(ErrorCode::kFile, error.what()), line.global.json);
  } catch (const std::exception& error) {
    return report(Error(ErrorCode::kInternal, std::string("internal error: ") + error.what()),
                  line.global.json);
  }
}

}  // namespace letterbox::client
