// HTTPS to the gateway: signed requests that stream both ways, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "client/gateway.h"
#include "crypto/signing.h"

namespace letterbox::client {

inline constexpr std::string_view kJsonMediaType = "application/json";
inline constexpr std::string_view kEnvelopeMediaType = "application/vnd.dsse.envelope.v1+json";

/// What a request carries. `body` is pulled as fast as the gateway takes it, and must be what
/// length and digest say: the signature, which goes ahead, is about them.
struct RequestBody {
  std::string_view content_type;
  Source& body;
  std::uint64_t length;
  Digest sha256;
  std::string if_match = {};  ///< where it isn't empty: an entity tag that must be the current one
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

  /// The Link field of what GET would answer.
  std::string head_link(const std::string& target);

  /// The body of a GET as it arrives. Ends only at the answer's announced end; else throws. Use it
  /// up or drop it before the next call; it must not outlive this.
  std::unique_ptr<Source> download(const std::string& target);

 private:
  struct State;
  class Download;
  std::unique_ptr<State> state_;
};

/// Throws Error kConfiguration unless a connection could be tried: URL and CA are readable.
void check_usable(const Gateway& gateway);

/// Percent-encodes a value for a query, RFC 3986 section 2.
std::string query_value(std::string_view text);

}  // namespace letterbox::client
