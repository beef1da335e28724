// One request on its way through its handler.
#pragma once

#include <cpprest/http_msg.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "gateway/identity/authentication.h"
#include "gateway/identity/authority.h"
#include "gateway/identity/caller.h"
#include "gateway/routes/routes.h"
#include "gateway/routes/target.h"
#include "gateway/stow/content_type.h"
#include "gateway/transport/exchange.h"
#include "records/dsse.h"
#include "records/time.h"

namespace letterbox::gateway {

/// What a request shows of its caller. It sees the request, which must outlive it.
Presented presented_by(const web::http::http_request& request);

struct Call {
  const web::http::http_request& request;
  const Services& services;
  Target target = {};
  std::string route = "-";            ///< the route's template, for the log
  std::string allow = {};             ///< for a 405: methods that the caller has a right to
  web::http::status_code status = 0;  ///< 0 until an answer has begun

  Caller caller = {};
  const Right* right = nullptr;
  /// How the right's second question was answered, once it was asked.
  std::optional<bool> permitted = {};

  // --- Who may

  /// The answer to what the right is provided with (authority.h). Throws Error kNotFound if it is
  /// no: not allowed looks like not there.
  void permit(bool allowed);

  /// What the caller's tenant may. Throws Error kUnavailable.
  Allowance allowance() const;

  // --- What was asked

  /// The request's body as it arrives. Where its digest was signed, it ends only if it is that
  /// body; else throws Error kUnauthenticated in place of the end.
  Source& body();
  /// The same of what is going to be stored: throws Error kStorageFull, too, as soon as there is no
  /// room for more.
  Source& body_to_store();
  /// The whole of a small body. Throws Error kEmptyBody, kTooLarge, and what body() throws.
  std::string small_body();
  /// The same, as `application/json`, or as an envelope. Throws kUnsupportedMediaType, kMalformed.
  std::string json_body();
  records::Envelope envelope_body();

  /// The segment of the path that the route's template calls {name}. Throws Error kInternal if it
  /// calls none so.
  const std::string& path(std::string_view name) const;
  /// The same for {id}. One that isn't an id names nothing: throws Error kNotFound, like one that
  /// doesn't exist.
  Uuid path_id() const;
  /// The value of a header field, its lines joined.
  std::optional<std::string> field(const std::string& name) const;
  /// Of the query. Throw Error kMalformed.
  std::optional<std::uint64_t> number_parameter(std::string_view name) const;
  /// `limit`, at least 1: as many as are asked for, and at most `most`.
  std::size_t limit_parameter(std::size_t most) const;
  std::optional<Uuid> id_parameter(std::string_view name) const;
  std::optional<records::Time> time_parameter(std::string_view name) const;
  bool has_content_type(std::string_view expected) const;
  void require_content_type(std::string_view expected) const;

  // --- What is answered

  /// A header field of the answer, whatever that will be: problems have it, too.
  void always(std::string name, std::string value);

  /// Throws Error kInternal, and answers nothing, if the right's second question wasn't asked.
  void answer(web::http::http_response response);
  void answer(web::http::http_response response, Source& content,
              std::optional<std::uint64_t> length);
  /// An answer that goes on when the handler has returned.
  std::unique_ptr<transport::AnswerStream> answer_stream(web::http::http_response response);
  void answer_json(web::http::status_code code, const std::string& json,
                   const std::string& location = {});
  void answer_empty(web::http::status_code code);
  /// For problems, which tell nothing of the thing that was asked for.
  void answer_unasked(web::http::http_response response);

  storage::AuditEvent did(storage::AuditKind kind, const std::optional<Uuid>& object = {}) const {
    return caller.did(kind, object);
  }

  /// Where a DICOMweb client asks: how it is told of failures, too.
  std::optional<stow::Form> dicom_form = {};
  /// By its name in the template, each segment that stands for something.
  std::map<std::string, std::string, std::less<>> named_segments = {};
  std::unique_ptr<Source> checked_body = {};  ///< made by body()
  std::unique_ptr<Source> stored_body = {};   ///< made by body_to_store()
  std::vector<std::pair<std::string, std::string>> always_fields = {};

 private:
  void begin_answer(web::http::http_response& response);
};

}  // namespace letterbox::gateway
