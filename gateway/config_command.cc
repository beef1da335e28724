#include "gateway/config_command.h"

#include <sys/resource.h>
#include <unistd.h>

#include <functional>
#include <iostream>

#include "base/error.h"
#include "gateway/certificates.h"
#include "gateway/process.h"
#include "gateway/settings.h"
#include "storage/store.h"

namespace letterbox::gateway {

namespace {

namespace fs = std::filesystem;

// A basic string, TOML section "String". Control characters have no place in a setting of ours.
std::string quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// As the file has it: "16 KiB", 32 and true.
std::string value_text(const Field& field) {
  const std::string text = field.get();
  const bool number = text.find_first_not_of("0123456789") == std::string::npos;
  const bool bare =
      field.notation == Notation::kBoolean || (field.notation != Notation::kString && number);
  return bare ? text : quoted(text);
}

void refuse(const fs::path& path, const char* why) {
  throw Error(ErrorCode::kFile, path.string() + ": " + why);
}

// There, or to be made; usable by this process's account.
void check_data_directory(const fs::path& data) {
  std::error_code failed;
  if (fs::exists(data, failed)) {
    if (!fs::is_directory(data, failed)) refuse(data, "isn't a directory");
    if (access(data.c_str(), R_OK | W_OK | X_OK) != 0) {
      refuse(data, "the account that serves can't use it");
    }
    return;
  }
  fs::path above = fs::absolute(data).parent_path();
  while (!fs::exists(above, failed) && above.has_relative_path()) above = above.parent_path();
  if (!fs::is_directory(above, failed)) refuse(data, "can't be made here");
}

// A serving gateway raises the soft limit itself, as far as the hard one lets it.
void check_descriptors(const Config& config) {
  const std::size_t wanted = config.limits.connections + transport::kOtherDescriptors;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || wanted <= limit.rlim_max) return;
  throw Error(ErrorCode::kConfiguration,
              "limits.connections: takes " + std::to_string(wanted) +
                  " open files, and this account may have " + std::to_string(limit.rlim_max) +
                  "; lower it, or raise the limit (ulimit -n, LimitNOFILE=)");
}

// Whether `check` passed; says why not.
bool passes(const std::function<void()>& check) try {
  check();
  return true;
} catch (const Error& error) {
  std::cerr << "letterboxd: " << error.what() << "\n";
  return false;
}

void print(const Setting& setting, const Configuration& configuration) {
  const auto origin = configuration.origins.find(setting.key);
  const std::string from =
      origin == configuration.origins.end() ? "default" : "from " + origin->second;
  if (setting.field.get().empty()) {
    std::cout << "# " << setting.key << " is absent\n";
  } else {
    std::cout << setting.key << " = " << value_text(setting.field) << "  # " << from << "\n";
  }
}

}  // namespace

bool check_config(const Configuration& configuration) {
  // First, since a connection string that holds a password mustn't be printed.
  if (!configuration.config.database.empty()) {
    storage::check_connection_string(configuration.config.database);
  }
  Configuration shown = configuration;
  for (const Setting& setting : settings_of(shown.config)) print(setting, shown);

  const Config& config = configuration.config;
  drop_root(config.user, config.data);
  bool good = passes([&] { check_data_directory(config.data); });
  good &= passes([&] { check_descriptors(config); });
  if (!config.tls_certificate.empty()) {
    good &=
        passes([&] { check_server_certificate(config.tls_certificate, config.tls_private_key); });
  }
  if (!config.machine_client_authority.empty()) {
    good &= passes([&] { check_authorities(config.machine_client_authority); });
  }
  return good;
}

void print_reference() {
  std::cout
      << "# Settings of letterboxd, as `letterboxd config reference` prints them: every one with "
         "its default.\n"
         "# A flag goes before the environment, and that before this file (--config FILE, or "
         "LETTERBOX_CONFIG).\n"
         "# An unknown key is an error. Sizes are bytes, or strings with KiB, MiB, GiB or TiB; "
         "times are seconds.\n";
  Config config;
  std::string table;
  for (const Setting& setting : settings_of(config)) {
    const auto dot = setting.key.find('.');
    const std::string in = dot == std::string::npos ? "" : setting.key.substr(0, dot);
    if (in != table) std::cout << "\n[" << in << "]";
    table = in;
    const std::string name = setting.key.substr(dot == std::string::npos ? 0 : dot + 1);
    const bool absent = setting.field.get().empty();
    std::cout << "\n# " << setting.meaning << "\n# " << setting.flag() << ", " << setting.variable()
              << ": " << setting.field.form << "\n#" << name << " = "
              << (absent ? quoted(setting.field.form) : value_text(setting.field)) << "\n";
  }
}

}  // namespace letterbox::gateway
