// Files as their recipients fetch them: whole, or header and payload apart.
#include <chrono>
#include <limits>
#include <span>
#include <vector>

#include "base/error.h"
#include "gateway/byte_range.h"
#include "gateway/collect.h"
#include "gateway/conditions.h"
#include "gateway/routes/audience.h"
#include "gateway/routes/handlers.h"
#include "records/content_digest.h"

namespace letterbox::gateway {

namespace {

using storage::DownloadOutcome;
using web::http::http_response;
using web::http::status_codes;

// An answer of gigabytes, or to a slow peer, goes on for long: this one for as long as the device
// is one. Who revokes it needn't know what it is fetching just then.
class WhileItStands final : public Source {
 public:
  WhileItStands(const Call& call, Source& content) : call_(call), content_(content) {}

  ByteView next() override {
    const auto now = std::chrono::steady_clock::now();
    if (unasked_ >= kMostUnasked || now >= asked_ + kLongestUnasked) {
      if (!call_.services.authentication.still_stands(call_.caller)) {
        throw Error(ErrorCode::kUnauthenticated, "the device was revoked meanwhile");
      }
      unasked_ = 0;
      asked_ = now;
    }
    const ByteView piece = content_.next();
    unasked_ += piece.size();
    return piece;
  }

 private:
  static constexpr std::size_t kMostUnasked = std::size_t{8} << 20;
  static constexpr std::chrono::seconds kLongestUnasked{10};

  const Call& call_;
  Source& content_;
  std::size_t unasked_ = 0;  // bytes since then
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

bool is_get(const Call& call) {
  return call.request.method() == web::http::methods::GET;
}

storage::FileRecord require_file(Call& call) {
  auto file = call.services.shelf.blobs().find(call.caller.tenant, call.path_id());
  if (!file) throw Error(ErrorCode::kNotFound, "no such file");
  return *std::move(file);
}

// Counted and written down before a byte leaves. What a sender looks at with a device that is none
// of the recipients' is written down alone.
std::vector<std::optional<DownloadOutcome>> begin_downloads(const Call& call,
                                                            std::span<const Uuid> files,
                                                            const storage::Audience& audience) {
  storage::Store& shelf = call.services.shelf;
  if (receives(call.caller, audience)) {
    return shelf.receipts().begin_downloads(call.caller.tenant, files,
                                            call.caller.device->record.recipient.text(),
                                            records::now(), call.did(storage::AuditKind::kCollect));
  }
  for (const Uuid& file : files) {
    shelf.audit().append(call.caller.tenant, call.did(storage::AuditKind::kCollect, file));
  }
  return std::vector<std::optional<DownloadOutcome>>(files.size(), DownloadOutcome::kCounted);
}

void begin_download(const Call& call, const Uuid& file, const storage::Audience& audience) {
  const auto outcome = begin_downloads(call, std::span(&file, 1), audience).front();
  if (!outcome) throw Error(ErrorCode::kNotFound, "the file went away meanwhile");
  if (*outcome == DownloadOutcome::kRefused) {
    throw Error(ErrorCode::kDownloadLimitReached, "the device had the file often enough");
  }
}

// RFC 9110 section 13.2.2, as far as entity tags go. Whether the answer is given; if not, what is
// given in its place was.
bool is_wanted(Call& call, const std::string& etag) {
  const auto if_match = call.field("If-Match");
  if (if_match && !lists_tag(*if_match, etag, TagComparison::kStrong)) {
    throw Error(ErrorCode::kPreconditionFailed, "another version is current");
  }
  const auto if_none_match = call.field("If-None-Match");
  if (!if_none_match || !lists_tag(*if_none_match, etag, TagComparison::kWeak)) return true;
  http_response response(status_codes::NotModified);
  response.headers().add("ETag", etag);
  call.answer(std::move(response));
  return false;
}

http_response response_of(const std::string& etag, const char* type, const Uuid& delivery) {
  http_response response(status_codes::OK);
  response.headers().set_content_type(type);
  response.headers().add("ETag", etag);
  response.headers().add("Link", "</v1/deliveries/" + delivery.text() + ">; rel=\"collection\"");
  return response;
}

}  // namespace

void get_file(Call& call) {
  call.target.allow_only({});
  const Uuid id = call.path_id();
  const std::optional<Letter> letter = collect(call.services.shelf, call.caller.tenant, id);
  if (!letter) throw Error(ErrorCode::kNotFound, "no such file");
  const auto audience = require_audience(call, letter->delivery, sends_or_receives);
  if (!is_wanted(call, letter->etag)) return;
  if (is_get(call)) begin_download(call, id, audience);
  http_response response = response_of(letter->etag, "application/age", letter->delivery);
  response.headers().add("Accept-Ranges", "none");
  WhileItStands content(call, *letter->content);
  call.answer(std::move(response), content, letter->length);
}

// What can't be had is left out: asked for alone, it says why.
void get_files(Call& call) {
  call.target.allow_only({"after", "up_to"});
  const Uuid id = call.path_id();
  const storage::Audience audience = require_audience(call, id, sends_or_receives);
  require_closed(audience);
  const auto admit = [&](std::span<const Uuid> files) {
    std::vector<bool> admitted;
    for (const auto& outcome : begin_downloads(call, files, audience)) {
      admitted.push_back(outcome && *outcome != DownloadOutcome::kRefused);
    }
    return admitted;
  };
  const auto files = collect_files(
      call.services.shelf, call.caller.tenant, id, call.id_parameter("after").value_or(Uuid()),
      call.number_parameter("up_to").value_or(std::numeric_limits<std::uint64_t>::max()), admit);
  http_response response(status_codes::OK);
  response.headers().set_content_type(kFilesMediaType);
  WhileItStands content(call, *files);
  call.answer(std::move(response), content, std::nullopt);
}

void get_header(Call& call) {
  call.target.allow_only({"version"});
  storage::FileRecord file = require_file(call);
  const storage::Audience audience = require_audience(call, file.delivery, sends_or_receives);
  const std::optional<std::uint64_t> asked = call.number_parameter("version");
  if (asked && *asked != file.version) {
    const HeadersVersion former = asked_version(call, file.delivery, audience);
    if (!former.is_former) throw Error(ErrorCode::kNotFound, "the version is another by now");
    auto headers =
        call.services.shelf.sharing().former(call.caller.tenant, file.id, former.version);
    if (!headers) throw Error(ErrorCode::kNotFound, "no such version any more");
    file.header = std::move(headers->header);
    file.version = former.version;
  }
  const std::string etag = version_tag(file.version);
  if (!is_wanted(call, etag)) return;
  ViewSource content(file.header);
  call.answer(response_of(etag, "application/octet-stream", file.delivery), content,
              file.header.size());
}

namespace {

std::optional<ByteRange> require_range(Call& call, std::uint64_t size) try {
  return asked_range(call.field("Range"), size);
} catch (const Error&) {
  // RFC 9110 section 15.5.17: how many bytes there are.
  call.always("Content-Range", content_range(size));
  throw;
}

}  // namespace

void get_payload(Call& call) {
  call.target.allow_only({});
  const storage::FileRecord file = require_file(call);
  const auto audience = require_audience(call, file.delivery, sends_or_receives);
  const std::uint64_t size = file.payload_length;
  const std::string etag = '"' + to_hex(file.payload_sha256) + '"';
  if (!is_wanted(call, etag)) return;

  // RFC 9110 section 14.2: Range has a meaning for GET alone.
  std::optional<ByteRange> part;
  if (is_get(call) && if_range_holds(call.field("If-Range"), etag))
    part = require_range(call, size);
  if (is_get(call)) begin_download(call, file.id, audience);

  http_response response = response_of(etag, "application/octet-stream", file.delivery);
  response.headers().add("Accept-Ranges", "bytes");
  // RFC 9530 section 3: of the whole, whatever part of it is sent.
  response.headers().add("Repr-Digest", records::content_digest(file.payload_sha256));
  if (part) {
    response.set_status_code(status_codes::PartialContent);
    response.headers().add("Content-Range", content_range(*part, size));
  }
  const ByteRange range = part.value_or(ByteRange{0, size - 1});
  const std::unique_ptr<Source> payload =
      collect_payload(call.services.shelf, call.caller.tenant, file, range.first);
  WhileItStands content(call, *payload);
  call.answer(std::move(response), content, range.length());
}

void delete_file(Call& call) {
  call.target.allow_only({});
  const storage::FileRecord file = require_file(call);
  require_audience(call, file.delivery, sends);
  if (!call.services.shelf.blobs().remove(call.caller.tenant, file.id,
                                          call.did(storage::AuditKind::kRevocation, file.id))) {
    throw Error(ErrorCode::kNotFound, "the file went away meanwhile");
  }
  call.answer_empty(status_codes::NoContent);
}

}  // namespace letterbox::gateway
