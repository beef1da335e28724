// Devices: how they come in, who they are, and how they go.
#include "base/error.h"
#include "gateway/directory/devices.h"
#include "gateway/directory/enrolment.h"
#include "gateway/directory/revoke.h"
#include "gateway/directory/token.h"
#include "gateway/routes/directory_json.h"
#include "gateway/routes/handlers.h"
#include "gateway/transport/exchange.h"

namespace letterbox::gateway {

namespace {

using web::http::status_codes;

// The device of that key's fingerprint, if it is one of the caller's tenant.
storage::Device device_of(const Call& call, const std::string& key_id) {
  auto holder = call.services.shelf.devices().find_key(key_id);
  if (!holder || holder->tenant != call.caller.tenant) {
    throw Error(ErrorCode::kNotFound, "no such device");
  }
  return std::move(holder->device);
}

storage::Device device_in(const Call& call) {
  return device_of(call, call.path("id"));
}

}  // namespace

// The one request of a stranger that changes anything.
void post_device(Call& call) {
  call.target.allow_only({});
  Authentication& authentication = call.services.authentication;
  const transport::Peer& peer = transport::peer_of(call.request);
  authentication.allow_guess(peer);
  const Presented presented = presented_by(call.request);
  const Authentication::Stranger stranger = authentication.stranger(presented);
  call.caller.announced_body = stranger.announced_body;
  call.caller.address = peer.address;

  const Enrolment enrolment = parse_enrolment(call.json_body());
  const records::DeviceRecord record = records::verify_device_record(enrolment.record);
  if (record.signing_key.fingerprint() != stranger.signature.key_id) {
    throw Error(ErrorCode::kBadSignature, "signed by another key than the record's");
  }
  authentication.verify(stranger, presented, record.signing_key);

  const std::optional<Token> invitation = Token::parse(enrolment.invitation);
  const auto enrolled = invitation ? enrol(call.services.shelf, call.services.gateway_key(),
                                           invitation->sha256(), enrolment.record, peer.address)
                                   : std::nullopt;
  if (!enrolled)
    throw authentication.refused(ErrorCode::kNotFound, "invitation", call.caller, peer);
  call.answer_json(status_codes::Created, enrolled_json(*enrolled));
}

void get_self(Call& call) {
  call.target.allow_only({});
  call.answer_json(status_codes::OK, self_json(call.caller));
}

void get_devices(Call& call) {
  call.target.allow_only({"handle", "key"});
  const std::optional<std::string> text = call.target.one("handle");
  const std::optional<std::string> key = call.target.one("key");
  if (text.has_value() == key.has_value()) {
    throw Error(ErrorCode::kMalformed, "whose devices? ?handle=name@tenant, or ?key=fingerprint");
  }
  const auto handle = records::Handle::parse(text ? *text : device_of(call, *key).handle);
  if (!handle) throw Error(ErrorCode::kMalformed, "that is no handle");
  call.permit(may_know_of(call.caller, *handle));
  const auto history = call.services.shelf.devices().history(call.caller.tenant, handle->text());
  if (history.empty()) throw Error(ErrorCode::kNotFound, "nobody of that handle has a device");
  call.answer_json(status_codes::OK, history_json(*handle, history));
}

void post_device_record(Call& call) {
  call.target.allow_only({});
  const storage::Device device = device_in(call);
  call.permit(owns(call.caller, *records::Handle::parse(device.handle), device.key_id));
  file_record(call.services.shelf, call.services.gateway_key(), call.caller, device,
              call.envelope_body());
  call.answer_empty(status_codes::Created);
}

void delete_device(Call& call) {
  call.target.allow_only({});
  const storage::Device device = device_in(call);
  if (!revoke_device(call.services.shelf, call.caller.tenant, device, call.services.signing_key,
                     call.did(storage::AuditKind::kRevocation, device.principal))) {
    throw Error(ErrorCode::kConflict, "the device is revoked already");
  }
  call.answer_empty(status_codes::NoContent);
}

}  // namespace letterbox::gateway
