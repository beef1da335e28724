#include "gateway/audit/export_command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>

#include "base/error.h"
#include "gateway/admin/host.h"
#include "gateway/audit/collector.h"
#include "gateway/audit/export.h"
#include "gateway/audit/frame_file.h"
#include "gateway/data_directory.h"

namespace letterbox::gateway::audit {

namespace {

std::unique_ptr<Destination> open_destination(const AuditExport& wanted) {
  const auto refuse = [](const char* why) { throw Error(ErrorCode::kUsage, why); };
  if (wanted.output.empty() == wanted.syslog.empty()) {
    refuse("audit export: give one of --output and --syslog");
  }
  if (!wanted.output.empty()) return std::make_unique<FrameFile>(wanted.output);
  if (wanted.authority.empty()) refuse("audit export: --syslog needs --ca");
  if (wanted.certificate.empty() != wanted.private_key.empty()) {
    refuse("audit export: --certificate and --key need each other");
  }
  return std::make_unique<Collector>(
      parse_collector_address(wanted.syslog),
      CollectorTrust{wanted.authority, wanted.certificate, wanted.private_key});
}

// What is printed, and what the position file holds.
std::string text_of(const std::vector<Progress>& all) {
  std::ostringstream text;
  for (const Progress& progress : all) {
    if (!progress.last) continue;
    text << progress.last->text() << "  " << progress.tenant.name << "  " << progress.records
         << (progress.records == 1 ? " record\n" : " records\n");
  }
  return text.str();
}

// The first word of each line of the position file, if there is one.
std::vector<std::string> read_position(const std::filesystem::path& file) {
  std::vector<std::string> ids;
  if (file.empty() || !std::filesystem::exists(file)) return ids;
  std::istringstream lines{std::string(as_text(read_file(file)))};
  for (std::string line; std::getline(lines, line);) ids.push_back(line.substr(0, line.find(' ')));
  return ids;
}

std::vector<Uuid> parse_ids(const std::vector<std::string>& texts) {
  std::vector<Uuid> ids;
  for (const std::string& text : texts) {
    const auto id = Uuid::parse(text);
    if (!id) throw Error(ErrorCode::kUsage, text + ": isn't the id of an audit record");
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

void export_audit(const Config& config, const AuditExport& wanted) {
  // Opened before the process gives up the right to: the files may be its caller's own.
  const std::unique_ptr<Destination> destination = open_destination(wanted);
  if (!wanted.position.empty() && !wanted.after.empty()) {
    throw Error(ErrorCode::kUsage, "audit export: --position says itself what to go on after");
  }

  Host host(config);
  storage::AuditStore& trail = host.store().audit();
  const Uuid gateway = host.instance();

  const std::vector<std::string> after =
      wanted.position.empty() ? wanted.after : read_position(wanted.position);
  std::vector<Progress> all = begin_after(trail, host.store().tenants().list(), parse_ids(after));
  const auto is_wanted = [&](const Progress& progress) {
    return wanted.tenant.empty() || progress.tenant.name == wanted.tenant;
  };
  if (std::none_of(all.begin(), all.end(), is_wanted)) {
    throw Error(ErrorCode::kNotFound, "audit export: there is no tenant " + wanted.tenant);
  }

  const auto keep = [&] {
    if (!wanted.position.empty()) write_file(wanted.position, as_bytes(text_of(all)), 0600);
  };
  keep();  // a file that can't be written is found out before anything is sent
  try {
    for (Progress& progress : all) {
      if (!is_wanted(progress)) continue;
      export_trail(trail, gateway, *destination, progress, keep);
    }
  } catch (...) {
    std::cout << text_of(all) << std::flush;
    throw;
  }
  std::cout << text_of(all) << std::flush;
}

}  // namespace letterbox::gateway::audit
