// HTTPS to the gateway: signed requests that stream both ways, in bounded memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "client/gateway.h"
#include "crypto/signing.h"

namespace letterbox::client {

inline constexpr std::string_view kJsonMediaType = "application/json";
inline constexpr std::string_view kEnvelopeMediaType = "application/vnd.dsse.envelope.v1+json";

/// Further fields of a request, by name. No signature covers them: what the body is, and whether
/// it is whole, mustn't depend on them.
using RequestFields = std::vector<std::pair<std::string, std::string>>;

/// What a request carries. `body` is pulled as fast as the gateway takes it, and must be what
/// length and digest say: the signature, which goes ahead, is about them.
struct RequestBody {
  std::string_view content_type;
  Source& body;
  std::uint64_t length;
  Digest sha256;
  RequestFields fields = {};
};

/// The head of an answer that is a success.
class AnswerHead {
 public:
  AnswerHead(unsigned status, std::map<std::string, std::string> fields)
      : status_(status), fields_(std::move(fields)) {}

  unsigned status() const noexcept { return status_; }
  /// The value of a field, whose name is given in lower case; empty if it isn't there.
  const std::string& field(const std::string& name) const;
  /// The same as a number in decimal. Throws Error kMalformed if it isn't one.
  std::uint64_t number(const std::string& name) const;

 private:
  unsigned status_;
  std::map<std::string, std::string> fields_;
};

/// An answer whose body is still to come.
struct Download {
  AnswerHead head;
  std::unique_ptr<Source> body;
};

/// One gateway, one request at a time, each signed by this device (RFC 9421). The gateway's
/// certificate must be signed by the given CA (no other is trusted) and be for the host or IP
/// address of the URL.
///
/// Every call throws Error kNetwork where the gateway can't be reached, isn't the trusted one,
/// breaks off or stalls; and what a problem answer says: kNotFound for 404, kNotAllowed for 403,
/// kUnavailable for 5xx, otherwise the code that the problem's type names. That holds while an
/// upload runs, too: an early refusal is told as what it is. For one thread at a time.
class GatewayConnection {
 public:
  /// Doesn't connect yet. `server`, https://HOST[:PORT], is where to connect to if not to the
  /// gateway's URL; signatures are made for the latter all the same. `key` must outlive this.
  /// Throws Error kConfiguration for an unusable URL or a CA that can't be read.
  GatewayConnection(const Gateway& gateway, const std::optional<std::string>& server,
                    const crypto::SigningKey& key);
  ~GatewayConnection();
  GatewayConnection(const GatewayConnection&) = delete;
  GatewayConnection& operator=(const GatewayConnection&) = delete;

  /// The answer's body, a JSON text of at most 64 MiB.
  std::string get(const std::string& target);
  std::string put(const std::string& target, const RequestBody& body);
  std::string put(const std::string& target, std::string_view content_type, std::string_view body);
  std::string post(const std::string& target, const RequestBody& body);
  std::string post(const std::string& target, std::string_view content_type, std::string_view body);
  /// What a DELETE answers.
  std::string remove(const std::string& target);

  /// Where the answer's head says it all: a HEAD, a POST without a body, a PATCH.
  AnswerHead head(const std::string& target, const RequestFields& fields = {});
  AnswerHead post_empty(const std::string& target, const RequestFields& fields);
  AnswerHead patch(const std::string& target, const RequestBody& body);

  /// The body of a GET as it arrives. Ends only at the answer's announced end; else throws. Use it
  /// up or drop it before the next call; it must not outlive this.
  std::unique_ptr<Source> download(const std::string& target);
  /// The same with the answer's head, for a request with further fields.
  Download download(const std::string& target, const RequestFields& fields);

 private:
  struct State;
  class Arriving;
  std::unique_ptr<State> state_;
};

/// Throws Error kConfiguration unless a connection could be tried: URL and CA are readable.
void check_usable(const Gateway& gateway);

/// Percent-encodes a value for a query, RFC 3986 section 2.
std::string query_value(std::string_view text);

}  // namespace letterbox::client
