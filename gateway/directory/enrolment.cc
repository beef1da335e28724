#include "gateway/directory/enrolment.h"

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "gateway/directory/devices.h"

namespace letterbox::gateway {

namespace {

using storage::AuditKind;

// The device in the state that follows from `records`.
std::optional<records::Device> derive(const records::Handle& handle,
                                      const std::vector<records::AcceptedRecord>& records,
                                      const crypto::VerifyKey& gateway_key, const Digest& hash) {
  for (records::Device& device :
       records::devices_of(handle, records, gateway_key, records::now())) {
    if (device.hash == hash) return std::move(device);
  }
  return std::nullopt;
}

const crypto::VerifyKey& signer_of(const records::AcceptedRecord& record) {
  return std::visit([](const auto& one) -> const crypto::VerifyKey& { return one.signing_key; },
                    record.record);
}

// What a statement says of its device. Nothing for what isn't one.
std::optional<records::DeviceState> stated(const records::AcceptedRecord& record,
                                           const Digest& device) {
  if (const auto* cosignature = std::get_if<records::Cosignature>(&record.record)) {
    if (cosignature->device == device) return records::DeviceState::kActive;
  } else if (const auto* revocation = std::get_if<records::Revocation>(&record.record)) {
    if (revocation->device == device) return records::DeviceState::kRevoked;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Enrolled> enrol(storage::Store& store, const crypto::VerifyKey& gateway_key,
                              const Digest& invitation, const records::Envelope& envelope,
                              const std::string& address) {
  const records::DeviceRecord record = records::verify_device_record(envelope);
  const auto tenant = store.tenants().find(record.handle.tenant());
  if (!tenant) return std::nullopt;
  if (store.devices().history(*tenant, record.handle.text()).size() >= kMostRecords) {
    throw Error(ErrorCode::kConflict, "the handle has as many records as it may have");
  }
  const std::string key_id = record.signing_key.fingerprint();
  const auto principal = store.invitations().redeem(
      *tenant, invitation,
      {record.handle.text(), record.recipient.text(), record.signing_key.text(), key_id,
       records::to_json(envelope), record.not_before},
      {.kind = AuditKind::kEnrolment, .device = key_id, .peer = address});
  if (!principal) return std::nullopt;
  auto device = derive(record.handle, accepted_records(store.devices(), *tenant, record.handle),
                       gateway_key, records::payload_hash(envelope));
  if (!device) throw Error(ErrorCode::kInternal, "an enrolled device isn't in the directory");
  return Enrolled{*principal, *std::move(device)};
}

void file_record(storage::Store& store, const crypto::VerifyKey& gateway_key, const Caller& caller,
                 const storage::Device& device, const records::Envelope& envelope) {
  const records::Handle handle = *records::Handle::parse(device.handle);
  const Digest hash = records::payload_hash(records::parse_envelope(device.record));
  std::vector<records::AcceptedRecord> records =
      accepted_records(store.devices(), caller.tenant, handle);
  const records::AcceptedRecord record =
      records::verify_accepted(envelope, records.size(), records::now());
  const std::optional<records::DeviceState> says = stated(record, hash);
  if (!says || signer_of(record) != caller.device->record.signing_key) {
    throw Error(ErrorCode::kBadSignature, "not a statement of this caller about this device");
  }
  const auto before = derive(handle, records, gateway_key, hash);
  records.push_back(record);
  const auto after = derive(handle, records, gateway_key, hash);
  if (!before || !after || before->state == after->state || after->state != *says) {
    throw Error(ErrorCode::kConflict, "a statement that changes nothing");
  }
  if (*says == records::DeviceState::kRevoked) {
    store.devices().revoke(caller.tenant, device.recipient, records::to_json(envelope),
                           caller.did(AuditKind::kRevocation, device.principal));
  } else {
    store.devices().add_record(caller.tenant, device.recipient, records::to_json(envelope),
                               caller.did(AuditKind::kEnrolment, device.principal));
  }
}

}  // namespace letterbox::gateway
