// Letters in and out.
#include "base/error.h"
#include "gateway/collect.h"
#include "gateway/deliveries.h"
#include "gateway/deposit.h"
#include "gateway/deposit_timing.h"
#include "gateway/directory/recipients.h"
#include "gateway/routes/api_json.h"
#include "gateway/routes/audience.h"
#include "gateway/routes/handlers.h"

namespace letterbox::gateway {

namespace {

using web::http::http_response;
using web::http::status_codes;

constexpr std::size_t kMaxInboxPage = 100;

Directory directory_of(const Call& call) {
  return {call.services.shelf.devices(), call.caller.tenant, call.services.gateway_key()};
}

records::SignedCover require_open_cover(const Call& call, const Uuid& delivery) {
  return open_cover(call.services.shelf, call.services.gateway_key(), call.caller.tenant, delivery);
}

// The devices that a gateway-sealed file is for: of the mailbox, or as the sender names them.
std::vector<records::Device> addressed(Call& call) {
  const std::optional<std::string> name = call.target.one("mailbox");
  if (!name) {
    call.permit(may_address(call.caller));
    return resolve(directory_of(call), call.target.all("to"));
  }
  if (!call.target.all("to").empty()) {
    throw Error(ErrorCode::kMalformed, "a file is for a mailbox or for recipients, not both");
  }
  const auto mailbox = call.services.shelf.mailboxes().find(call.caller.tenant, *name);
  if (!mailbox) throw Error(ErrorCode::kNotFound, "no such mailbox");
  call.permit(may_deposit(call.caller, *mailbox));
  return resolve_mailbox(directory_of(call), mailbox->recipients);
}

}  // namespace

// --- Sealed at the gateway

void post_file(Call& call) {
  call.target.allow_only({"to", "mailbox", "expires"});
  const std::vector<records::Device> devices = addressed(call);
  const std::optional<dicom::MediaType> claimed =
      dicom::parse_media_type(call.request.headers().content_type());
  if (!claimed) throw Error(ErrorCode::kUnsupportedMediaType, "neither DICOM, JPEG nor PNG");

  const Allowance allowed = call.allowance();
  const records::SignedCover cover =
      records::sign_cover(draft_cover(*call.caller.handle, records::SealedBy::kGateway, devices,
                                      call.time_parameter("expires"), allowed),
                          call.services.signing_key);
  DepositTiming timing(call.body_to_store(), call.services.shelf.blobs());
  const Receipt receipt =
      deposit(timing.body(), *claimed, cover, call.services.signing_key, call.services.inspector,
              call.caller, timing.shelf(), allowed.downloads);
  call.services.metrics.sealed(timing.sealing());
  call.services.metrics.stored(timing.storing());
  call.answer_json(status_codes::Created, receipt_json(receipt, cover),
                   "/v1/files/" + receipt.file.id.text());
}

// --- Sealed on a device

void post_delivery(Call& call) {
  call.target.allow_only({});
  call.permit(may_address(call.caller));
  call.services.disk.require_room();  // before somebody seals in vain
  const DraftRequest draft = parse_draft_request(call.json_body());
  const std::vector<records::Device> devices = resolve(directory_of(call), draft.recipients);
  const Allowance allowed = call.allowance();
  const std::uint32_t downloads = granted_downloads(allowed, draft.downloads);
  const records::Cover cover =
      draft_cover(*call.caller.handle, records::SealedBy::kDevice, devices, draft.expires, allowed);
  call.answer_json(status_codes::Created, draft_json(cover, downloads),
                   "/v1/deliveries/" + cover.delivery.text());
}

void put_cover(Call& call) {
  call.target.allow_only({"downloads"});
  // There is no delivery yet, so nobody else's can be changed: who signs its cover is its sender.
  call.permit(may_address(call.caller));
  open_delivery(call.services.shelf, call.services.gateway_key(), call.caller, call.path_id(),
                call.envelope_body(), call.allowance(), call.number_parameter("downloads"));
  call.answer_empty(status_codes::Created);
}

void post_delivery_file(Call& call) {
  call.target.allow_only({"id"});
  const Uuid delivery = call.path_id();
  require_audience(call, delivery, sends);
  call.require_content_type("application/age");
  const std::optional<Uuid> id = call.id_parameter("id");
  if (!id) throw Error(ErrorCode::kMalformed, "the file's id is missing: ?id=");
  const records::SignedCover cover = require_open_cover(call, delivery);
  DepositTiming timing(call.body_to_store(), call.services.shelf.blobs());
  const storage::FileRecord file =
      deposit_sealed(timing.body(), *id, cover, call.caller, timing.shelf());
  call.services.metrics.stored(timing.storing());
  call.answer_json(status_codes::Created, stored_json(summary_of(file)),
                   "/v1/files/" + file.id.text());
}

void post_index(Call& call) {
  call.target.allow_only({"id"});
  const Uuid delivery = call.path_id();
  require_audience(call, delivery, sends);
  call.require_content_type("application/age");
  const std::optional<Uuid> file = call.id_parameter("id");
  if (!file) throw Error(ErrorCode::kMalformed, "the file's id is missing: ?id=");
  const records::SignedCover cover = require_open_cover(call, delivery);
  const storage::FileSummary index = deposit_sealed_index(call.body_to_store(), *file, cover,
                                                          call.caller, call.services.shelf.blobs());
  call.answer_json(status_codes::Created, stored_json(index));
}

namespace {

void answer_delivery(Call& call, const Uuid& id) {
  call.answer_json(status_codes::OK, delivery_json(require_delivery(call, id)));
}

}  // namespace

void post_close(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  require_audience(call, id, sends);
  close_delivery(call.services.shelf, call.caller, id, call.envelope_body());
  answer_delivery(call, id);
}

// --- Reading

void get_delivery(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  require_closed(require_audience(call, id, sends_or_receives));
  answer_delivery(call, id);
}

void get_indexes(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  require_closed(require_audience(call, id, sends_or_receives));
  const std::optional<Indexes> indexes =
      collect_indexes(call.services.shelf, call.caller.tenant, id);
  if (!indexes) throw Error(ErrorCode::kNotFound, "the delivery went away meanwhile");
  http_response response(status_codes::OK);
  response.headers().set_content_type(kIndexesMediaType);
  call.answer(std::move(response), *indexes->content, indexes->length);
}

void get_inbox(Call& call) {
  call.target.allow_only({"after", "limit"});
  const storage::InboxPage page = call.services.shelf.deliveries().inbox(
      call.caller.tenant, call.caller.device->record.recipient.text(), call.id_parameter("after"),
      call.limit_parameter(kMaxInboxPage));
  std::optional<Uuid> next;
  if (page.more) next = page.deliveries.back().id;
  call.answer_json(status_codes::OK, inbox_json(page.deliveries, next));
}

}  // namespace letterbox::gateway
