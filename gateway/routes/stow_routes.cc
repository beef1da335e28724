// DICOMweb as a PACS speaks it: STOW-RS, PS3.18 section 10.5. Nothing is given out this way.
#include "base/error.h"
#include "base/log.h"
#include "gateway/directory/recipients.h"
#include "gateway/routes/handlers.h"
#include "gateway/stow/closer.h"
#include "gateway/stow/store_instances.h"

namespace letterbox::gateway {

namespace {

using web::http::http_response;

storage::Mailbox require_mailbox(Call& call) {
  auto mailbox = call.services.shelf.mailboxes().find(call.caller.tenant, call.path("mailbox"));
  if (!mailbox) throw Error(ErrorCode::kNotFound, "no such mailbox");
  call.permit(may_deposit(call.caller, *mailbox));
  return *std::move(mailbox);
}

// PS3.18 section 8.3.3.1: a query parameter goes before the header field of its name.
stow::Form asked_form(const Call& call) {
  if (const auto accept = call.target.one("accept")) return stow::preferred_form(*accept);
  const auto& fields = call.request.headers();
  const auto accept = fields.find("Accept");
  return stow::preferred_form(accept == fields.end() ? std::string() : accept->second);
}

// What nobody could open isn't taken in. To a PACS that is a matter of time: it tries again.
std::vector<records::Device> require_devices(const Call& call, const storage::Mailbox& mailbox) {
  try {
    return resolve_mailbox(
        {call.services.shelf.devices(), call.caller.tenant, call.services.gateway_key()},
        mailbox.recipients);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kConflict) throw;
    throw Error(ErrorCode::kUnavailable, error.what(), error.where());
  }
}

// How a request's body is to be read.
struct BodyForm {
  decltype(&stow::store_instances) store;
  std::string boundary;
};

BodyForm require_body_form(const Call& call) {
  const auto type = stow::parse_content_type(call.request.headers().content_type());
  if (!type) throw Error(ErrorCode::kMalformed, "no Content-Type, or none that can be read");
  const auto parameter = [&](const char* name) {
    const auto found = type->parameters.find(name);
    return found == type->parameters.end() ? std::string() : found->second;
  };
  // RFC 2387 wants it, and not every sender knows. Each part says what it is anyway.
  const std::string root = parameter("type");
  const auto root_type = stow::parse_content_type(root);
  const std::string name = root_type ? root_type->name : root;
  if (type->name == "multipart/related") {
    if (name == stow::media_type_of(stow::Form::kJson)) {
      return {stow::store_photos, parameter("boundary")};
    }
    if (name.empty() || name == dicom::to_text(dicom::MediaType::kDicom)) {
      return {stow::store_instances, parameter("boundary")};
    }
  }
  throw Error(ErrorCode::kUnsupportedMediaType, "not a multipart/related that STOW-RS has");
}

void store(Call& call, const std::optional<std::string>& study) {
  const storage::Mailbox mailbox = require_mailbox(call);
  const stow::Form form = asked_form(call);
  call.dicom_form = form;
  const BodyForm body = require_body_form(call);
  stow::Multipart parts(call.body_to_store(), body.boundary, call.services.stow_parts);
  const std::vector<records::Device> devices = require_devices(call, mailbox);
  const stow::UidMacs macs(call.services.uid_key, call.caller.tenant, mailbox.name,
                           *call.caller.principal);
  storage::Store& shelf = call.services.shelf;
  const stow::Answer answer = body.store(
      parts, study, {call.caller, mailbox, devices, call.services.signing_key, call.allowance()},
      macs, {call.services.inspector, shelf.studies(), shelf.deliveries()});
  if (mailbox.closes_after == std::chrono::seconds{0}) call.services.closer.wake();
  http_response response(answer.status());
  response.set_body(stow::to_text(answer, form), std::string(stow::media_type_of(form)));
  call.answer(std::move(response));
}

}  // namespace

void post_studies(Call& call) {
  store(call, std::nullopt);
}

void post_study(Call& call) {
  store(call, call.path("study"));
}

// So that a PACS's test button finds a DICOMweb server. There is nothing to be found by asking.
void get_studies(Call& call) {
  require_mailbox(call);
  http_response response(web::http::status_codes::OK);
  response.set_body("[]", std::string(stow::media_type_of(stow::Form::kJson)));
  call.answer(std::move(response));
}

void refuse_retrieve(Call& call) {
  require_mailbox(call);
  throw Error(ErrorCode::kNotAcceptable, "nothing is retrieved by DICOMweb");
}

// PS3.18 section 13 would let a PACS delete its originals. A letterbox delivers, it doesn't keep.
void refuse_commitment(Call& call) {
  require_mailbox(call);
  throw Error(ErrorCode::kNotFound, "no storage commitment");
}

}  // namespace letterbox::gateway
