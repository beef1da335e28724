// Uploads that may break off and go on: tus 1.0.0 (docs/api/README.md says where we depart from
// it).
#include "base/error.h"
#include "gateway/routes/audience.h"
#include "gateway/routes/handlers.h"
#include "gateway/transport/exchange.h"
#include "gateway/transport/http_date.h"
#include "gateway/tus_fields.h"
#include "gateway/uploads.h"
#include "records/content_digest.h"

namespace letterbox::gateway {

namespace {

using web::http::http_response;
using web::http::status_codes;

// "The Tus-Resumable header MUST be included in every request and response except for OPTIONS."
void require_version(Call& call) {
  call.always("Tus-Resumable", tus::kVersion);
  if (call.field("Tus-Resumable") == tus::kVersion) return;
  call.always("Tus-Version", tus::kVersion);
  throw Error(ErrorCode::kPreconditionFailed, "another version of tus");
}

storage::Upload require_upload(Call& call) {
  auto upload =
      call.services.shelf.uploads().find(call.caller.tenant, call.path_id(), records::now());
  if (!upload) throw Error(ErrorCode::kNotFound, "no such upload");
  require_audience(call, upload->made.delivery, sends);
  return *std::move(upload);
}

std::string location_of(const storage::Upload& upload) {
  return "/v1/uploads/" + upload.made.id.text();
}

void say_where_it_stands(Call& call, const storage::Upload& upload) {
  call.always("Upload-Offset", std::to_string(upload.offset));
  call.always("Upload-Expires", transport::http_date(upload.expires));
}

// A body that must be what Upload-Checksum says.
class ChecksummedBody final : public Source {
 public:
  ChecksummedBody(Source& body, const Digest& announced) : body_(body, announced) {}
  ByteView next() override try { return body_.next(); } catch (const Error& error) {
    if (error.code() != ErrorCode::kIntegrity) throw;
    throw Error(ErrorCode::kChecksumMismatch, "other bytes than Upload-Checksum says");
  }

 private:
  records::DigestingSource body_;
};

storage::Upload take_body(Call& call, const Uuid& id, std::uint64_t offset) {
  const auto go_on = [&](Source& body) {
    return continue_upload(call.services.shelf, call.services.gateway_key(), call.caller, id,
                           offset, body);
  };
  const std::optional<std::string> checksum = call.field("Upload-Checksum");
  if (!checksum) return go_on(call.body_to_store());
  ChecksummedBody body(call.body_to_store(), tus::parse_checksum(*checksum));
  return go_on(body);
}

}  // namespace

void options_uploads(Call& call) {
  call.target.allow_only({});
  call.always("Tus-Resumable", tus::kVersion);
  call.always("Tus-Version", tus::kVersion);
  call.always("Tus-Extension", tus::kExtensions);
  call.always("Tus-Checksum-Algorithm", tus::kChecksumAlgorithms);
  call.always("Tus-Max-Size", std::to_string(call.services.largest_upload));
  call.answer_empty(status_codes::NoContent);
}

void post_upload(Call& call) {
  call.target.allow_only({});
  require_version(call);
  const tus::Metadata metadata = tus::parse_metadata(call.field("Upload-Metadata"));
  require_audience(call, metadata.delivery, sends);
  const std::uint64_t length = tus::parse_count(call.field("Upload-Length"));
  if (length > call.services.largest_upload) {
    throw Error(ErrorCode::kTooLarge, "larger than Tus-Max-Size");
  }
  const bool with_upload = transport::has_body(call.request);
  if (with_upload) call.require_content_type(tus::kContentType);
  call.services.disk.require_room();
  storage::Upload upload =
      begin_upload(call.services.shelf, call.services.gateway_key(), call.caller, metadata.delivery,
                   metadata.file, length, call.allowance().most_unfinished);
  // Even if its first bytes can't be taken: it is there to go on with.
  call.always("Location", location_of(upload));
  if (with_upload) upload = take_body(call, upload.made.id, 0);
  say_where_it_stands(call, upload);
  call.answer_empty(status_codes::Created);
}

void head_upload(Call& call) {
  call.target.allow_only({});
  require_version(call);
  const storage::Upload upload = require_upload(call);
  say_where_it_stands(call, upload);
  call.always("Upload-Length", std::to_string(upload.made.length));
  call.always("Upload-Metadata", tus::metadata_text({upload.made.delivery, upload.made.file}));
  call.answer_empty(status_codes::OK);
}

void patch_upload(Call& call) {
  call.target.allow_only({});
  require_version(call);
  const storage::Upload upload = require_upload(call);
  call.require_content_type(tus::kContentType);
  const std::uint64_t offset = tus::parse_count(call.field("Upload-Offset"));
  say_where_it_stands(call, take_body(call, upload.made.id, offset));
  call.answer_empty(status_codes::NoContent);
}

void delete_upload(Call& call) {
  call.target.allow_only({});
  require_version(call);
  const storage::Upload upload = require_upload(call);
  if (!call.services.shelf.uploads().terminate(call.caller.tenant, upload.made.id)) {
    throw Error(ErrorCode::kNotFound, "the upload went away meanwhile");
  }
  call.answer_empty(status_codes::NoContent);
}

}  // namespace letterbox::gateway
