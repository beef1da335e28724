#include "gateway/recipient_command.h"

#include <iostream>
#include <iterator>

#include "base/error.h"
#include "gateway/data_directory.h"
#include "gateway/database.h"
#include "gateway/process.h"
#include "records/device_record.h"

namespace letterbox::gateway {

namespace {

DataDirectory open_data(const Config& config) {
  become_user(config.user, config.data);
  return DataDirectory(config.data);
}

// A gateway that serves from the same directory keeps its lock and its database server; then this
// command joins that server, else it runs one for as long as it takes.
class OpenDirectory {
 public:
  explicit OpenDirectory(const Config& config)
      : data_(open_data(config)), database_(config, data_, data_.try_lock()) {}
  storage::PrincipalStore& principals() { return database_.store().principals(); }
  storage::DeviceStore& devices() { return database_.store().devices(); }

 private:
  DataDirectory data_;
  Database database_;
};

// What is done on the host is done by nobody the directory knows.
const storage::AuditEvent kOnTheHost = {.kind = storage::AuditKind::kAdministration};

std::string read_record(const std::string& path) {
  if (path == "-") {
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  }
  const Bytes content = read_file(path);
  return std::string(as_text(content));
}

void print(const records::DeviceRecord& record) {
  std::cout << record.handle.text() << "  " << record.recipient.text() << "  "
            << record.signing_key.fingerprint() << "\n";
}

}  // namespace

void add_recipient(const Config& config, const std::string& path) {
  // Read before the process gives up the right to: the file may be its caller's own.
  const records::Envelope envelope = records::parse_envelope(read_record(path));
  const records::DeviceRecord record = records::verify_device_record(envelope);
  OpenDirectory directory(config);
  const std::string handle = record.handle.text();
  if (!directory.principals().find_handle(storage::kGateway, handle)) {
    directory.principals().make(storage::kGateway, handle, storage::PrincipalKind::kPerson,
                                kOnTheHost);
  }
  directory.devices().add(storage::kGateway,
                          {handle, record.recipient.text(), record.signing_key.text(),
                           record.signing_key.fingerprint(), records::to_json(envelope)},
                          kOnTheHost);
  print(record);
}

void list_recipients(const Config& config) {
  OpenDirectory directory(config);
  for (const storage::Device& device : directory.devices().list(storage::kGateway)) {
    print(records::verify_device_record(records::parse_envelope(device.record)));
  }
}

void remove_recipient(const Config& config, const std::string& recipient) {
  OpenDirectory directory(config);
  if (!directory.devices().remove(storage::kGateway, recipient, kOnTheHost)) {
    throw Error(ErrorCode::kNotFound, "recipient remove: the directory has no device " + recipient);
  }
}

}  // namespace letterbox::gateway
