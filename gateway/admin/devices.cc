
#include "gateway/directory/devices.h"

#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/directory/revoke.h"
#include "records/fingerprint_words.h"

namespace letterbox::gateway::admin {

namespace {

std::string state_of(const records::Device& device) {
  std::string state(records::to_text(device.state));
  if (device.waits_until) state += " until " + records::to_text(*device.waits_until);
  return state;
}

}  // namespace

void list_devices(storage::Store& store, const crypto::VerifyKey& gateway_key,
                  const std::string& handle, std::ostream& out) {
  const records::Handle whose = parse_handle(handle);
  const storage::TenantId tenant = find_tenant(store, whose.tenant());
  for (const records::Device& device : devices_of(store.devices(), tenant, whose, gateway_key)) {
    out << device.record.signing_key.fingerprint() << "  "
        << records::fingerprint_words(device.record.signing_key) << "  " << state_of(device)
        << "\n";
  }
}

void revoke_device(storage::Store& store, const crypto::SigningKey& gateway_key,
                   const std::string& fingerprint, std::ostream& out) {
  const auto holder = store.devices().find_key(fingerprint);
  if (!holder) {
    throw Error(ErrorCode::kNotFound,
                "no device has this fingerprint: 64 hexadecimal digits, see admin device list");
  }
  const bool done = gateway::revoke_device(store, holder->tenant, holder->device, gateway_key,
                                           revocation_on_the_host(holder->device.principal));
  out << holder->device.handle << "  device " << fingerprint
      << (done ? " revoked\n" : " was revoked before\n");
}

}  // namespace letterbox::gateway::admin
